// What the loader hands to the trainer: one effective batch of this rank.
#ifndef DATA_LOADING_BATCH_H_
#define DATA_LOADING_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct Batch {
  // [B, 3, T, H, W] uint8 RGB. Its memory is a loader buffer (host budget), no
  // ATen allocation; it goes back to the loader when the last tensor over it dies.
  at::Tensor clips;
  at::Tensor labels;                  // [B] int64; -1: the sample has no label
  std::vector<int64_t> samples;       // [B] dataset-wide sample (chunk) number
  std::vector<int64_t> clip_numbers;  // [B] which of evaluation's clips of the sample
  std::vector<int64_t> videos;  // [B] number of the source video (chunks of one video share it)
  int64_t epoch = 0;
  int64_t first_sample = 0;  // position of sample 0 in the epoch's order
  bool last_of_epoch = false;
  int64_t bytes() const { return clips.defined() ? static_cast<int64_t>(clips.nbytes()) : 0; }
};

}  // namespace slimreel

#endif  // DATA_LOADING_BATCH_H_
