// How predict treats a video: everything as the model was trained.
#ifndef TRAINER_PREDICTION_PREDICT_OPTIONS_H_
#define TRAINER_PREDICTION_PREDICT_OPTIONS_H_

#include <c10/core/Device.h>

#include <cstdint>

namespace slimreel {

// What prepare did to the frames, and how evaluation draws clips.
struct PredictOptions {
  int64_t short_side = 0;  // stored size; 0: frames as decoded
  int64_t frame_interval = 2;
  int64_t max_video_frames = 500;  // frames of a chunk that clips are drawn from
  int64_t num_clips = 1;           // per chunk, uniform
  bool allow_upscale = false;      // frames smaller than the crop are enlarged, else an error
  at::Device device = at::kCPU;
};

}  // namespace slimreel

#endif  // TRAINER_PREDICTION_PREDICT_OPTIONS_H_
