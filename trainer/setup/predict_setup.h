// How predict treats raw videos, from the run's configuration and the checkpoint.
#ifndef TRAINER_SETUP_PREDICT_SETUP_H_
#define TRAINER_SETUP_PREDICT_SETUP_H_

#include <c10/core/Device.h>

#include "base/memory_limits.h"
#include "configs/schema.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/prediction/predict_options.h"

namespace slimreel {

// `preparation` is the checkpoint's: raw videos are treated like the videos that the model was
// trained on. `host` and memory.host_budget bound a decoded picture, as in prepare.
PredictOptions MakePredictOptions(const Config& config, const FramePreparation& preparation,
                                  const HostMemory& host, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_PREDICT_SETUP_H_
