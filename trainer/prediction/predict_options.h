// How predict treats a video: everything as the model was trained.
#ifndef TRAINER_PREDICTION_PREDICT_OPTIONS_H_
#define TRAINER_PREDICTION_PREDICT_OPTIONS_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>

#include "trainer/checkpoint/train_state.h"

namespace slimreel {

struct PredictOptions {
  FramePreparation preparation;  // the checkpoint's: stored size, chunks, quality
  // How evaluation draws clips of a chunk.
  int64_t frame_interval = 2;
  int64_t max_video_frames = 500;  // the first frames of a chunk, which clips are drawn from
  int64_t num_clips = 1;           // per chunk, uniform
  // A larger picture is refused with frame_too_large before it takes memory; 0: no bound.
  int64_t max_decoded_frame_bytes = 0;
  bool allow_upscale = false;  // frames smaller than the crop are enlarged, else an error
  at::Device device = at::kCPU;
  std::optional<at::ScalarType> autocast = std::nullopt;  // mixed precision, as in training
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_PREDICT_OPTIONS_H_
