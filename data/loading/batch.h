// A batch of samples as tensors. In training it is the effective batch of this rank.
#ifndef DATA_LOADING_BATCH_H_
#define DATA_LOADING_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct Batch {
  // An input that the model does not take is undefined.
  //
  // [B, 3, T, H, W] uint8 RGB. The memory of all inputs is one buffer of the loader (host
  // budget, not an ATen allocation). It returns to the loader when the last tensor over it dies.
  at::Tensor clips;
  at::Tensor keypoints;  // [B, M, T, V, 3] float32: x, y in heatmap pixels, score (0: missing)
  at::Tensor log_mel;    // [B, mels, frames] float32
  at::Tensor tokens;     // [B, L] int64: the decoder's input, labels shifted right
  // [B] int64; -1: the sample has no label. With tokens [B, L] int64; -100: no label.
  at::Tensor labels;
  std::vector<int64_t> samples;       // [B] number of the sample (chunk) in the dataset
  std::vector<int64_t> clip_numbers;  // [B] number of the clip in its sample (evaluation)
  std::vector<int64_t> videos;        // [B] number of the source video; its chunks share it
  int64_t epoch = 0;
  int64_t first_sample = 0;  // position of sample 0 in the epoch's order
  bool last_of_epoch = false;
  // Bytes of the inputs.
  int64_t bytes() const {
    size_t sum = 0;
    for (const at::Tensor* input : {&clips, &keypoints, &log_mel, &tokens}) {
      if (input->defined()) sum += input->nbytes();
    }
    return static_cast<int64_t>(sum);
  }
};

}  // namespace slimreel

#endif  // DATA_LOADING_BATCH_H_
