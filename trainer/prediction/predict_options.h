// How predict treats a video: as the videos that the model was trained on.
#ifndef TRAINER_PREDICTION_PREDICT_OPTIONS_H_
#define TRAINER_PREDICTION_PREDICT_OPTIONS_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>

#include "configs/data_options.h"
#include "configs/trainer_options.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

struct PredictOptions {
  FramePreparation preparation{};  // the checkpoint's: stored size, chunks, quality
  // Of the run. `data`: clips have frame_interval and come from the first max_video_frames frames
  // of a chunk; allow_upscale enlarges frames smaller than the crop, which are an error otherwise.
  DataOptions data{};
  // num_clips uniform clips per chunk, as in an evaluation.
  EvaluationOptions evaluation{};
  // A larger picture is refused with frame_too_large before it takes memory. 0: no bound.
  int64_t max_decoded_frame_bytes = 0;
  at::Device device = at::kCPU;
  std::optional<at::ScalarType> autocast = std::nullopt;  // mixed precision, as in training
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_PREDICT_OPTIONS_H_
