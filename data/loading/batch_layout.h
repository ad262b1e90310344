// Where the inputs of a batch lie in its buffer. Pure functions.
#ifndef DATA_LOADING_BATCH_LAYOUT_H_
#define DATA_LOADING_BATCH_LAYOUT_H_

#include <cstdint>

#include "data/loading/loader_options.h"

namespace slimreel {

// Bytes of each input of one sample; 0 for an input that the loader does not read.
struct SampleBytes {
  int64_t clip = 0;       // uint8
  int64_t keypoints = 0;  // float32
  int64_t log_mel = 0;    // float32
  int64_t tokens = 0;     // int64
};
SampleBytes SampleBytesOf(const LoaderOptions& options);

// Byte offsets of the inputs in the buffer of a batch. Each is a multiple of 64.
struct BatchLayout {
  int64_t clips = 0;
  int64_t keypoints = 0;
  int64_t log_mel = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;  // of the whole buffer
};
BatchLayout BatchLayoutOf(const LoaderOptions& options, int64_t samples);

// What a page-locked copy of the batch takes: ATen rounds each input up to a power of two.
int64_t PageLockedBytesOf(const LoaderOptions& options, int64_t samples);

}  // namespace slimreel

#endif  // DATA_LOADING_BATCH_LAYOUT_H_
