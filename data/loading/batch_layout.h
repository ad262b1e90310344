// Where the inputs of a batch lie in its one buffer. Pure.
#ifndef DATA_LOADING_BATCH_LAYOUT_H_
#define DATA_LOADING_BATCH_LAYOUT_H_

#include <cstdint>

#include "data/loading/loader_options.h"

namespace slimreel {

// Bytes of one sample; 0 where the input is not asked for.
struct SampleBytes {
  int64_t clip = 0;       // uint8
  int64_t keypoints = 0;  // float32
  int64_t log_mel = 0;    // float32
  int64_t tokens = 0;     // int64
};
SampleBytes SampleBytesOf(const LoaderOptions& options);

// Offsets in the buffer of a batch of `samples`, each at a multiple of 64 bytes.
struct BatchLayout {
  int64_t clips = 0;
  int64_t keypoints = 0;
  int64_t log_mel = 0;
  int64_t tokens = 0;
  int64_t bytes = 0;  // in all
};
BatchLayout BatchLayoutOf(const LoaderOptions& options, int64_t samples);

}  // namespace slimreel

#endif  // DATA_LOADING_BATCH_LAYOUT_H_
