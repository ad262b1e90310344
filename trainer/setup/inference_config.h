// The configuration that a checkpoint is judged under: its own in what its weights have learnt
// from, the run's in where, on which data and in how much memory.
//
// Who calls it: trained_model. Pure.
#ifndef TRAINER_SETUP_INFERENCE_CONFIG_H_
#define TRAINER_SETUP_INFERENCE_CONFIG_H_

#include "configs/schema.h"

namespace slimreel {

// `learnt` is the configuration in the checkpoint, which may be older than the run's. Out of it
// come task, model.*, trainer.precision and data.*, but for data.train, data.val, data.test and
// data.eval_batch_size; all else is the run's.
Config InferenceConfig(const Config& run, const Config& learnt);

}  // namespace slimreel

#endif  // TRAINER_SETUP_INFERENCE_CONFIG_H_
