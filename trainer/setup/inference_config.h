// The configuration that evaluate and predict use for a checkpoint. The checkpoint's own says what
// its weights have learnt from; the run's says where, on which data and in how much memory to run.
//
// Pure.
#ifndef TRAINER_SETUP_INFERENCE_CONFIG_H_
#define TRAINER_SETUP_INFERENCE_CONFIG_H_

#include "configs/schema.h"

namespace slimreel {

// `learnt` is the configuration in the checkpoint, which may be older than the run's. The result
// takes task, model.*, trainer.precision and data.* from it, except data.train, data.val, data.test
// and data.eval_batch_size. These and everything else are the run's.
Config InferenceConfig(const Config& run, const Config& learnt);

}  // namespace slimreel

#endif  // TRAINER_SETUP_INFERENCE_CONFIG_H_
