// How long a run is, and when evaluations and checkpoints are due. Pure functions of the
// configuration, the step and the loader's position.
#ifndef TRAINER_LOOP_RUN_LENGTH_H_
#define TRAINER_LOOP_RUN_LENGTH_H_

#include <cstdint>

#include "configs/train_options.h"
#include "configs/trainer_options.h"
#include "data/loading/loader_options.h"

namespace slimreel {

struct RunLengthRequest {
  TrainOptions train{};         // max_epochs and max_steps; whichever comes first ends the run
  int64_t epoch_samples = 1;    // >= 1; already cut by trainer.limit_train_batches
  int64_t effective_batch = 1;  // >= 1
  // Where the run starts: at 0, or at a checkpoint. Its steps may have had another batch size.
  int64_t steps_done = 0;
  LoaderPosition position{};
};

struct RunLength {
  int64_t epoch_samples = 1;
  // Optimizer steps of the whole run, including those already done. The learning rate's schedule
  // spans them. The remaining ones are counted from the position, so the run sees max_epochs at any
  // batch size.
  int64_t total_steps = 0;
};

RunLength MakeRunLength(const RunLengthRequest& request);

// Where the next batch starts: `position`, or the start of the next epoch if `position` is at or
// after the end of its epoch.
LoaderPosition InEpoch(const LoaderPosition& position, int64_t epoch_samples);

// Whether an evaluation follows optimizer step `step` (counted from 1). `epoch_ended`: an epoch
// ended with this step. The last step of a run is always evaluated, unless the strategy is kNo.
bool EvaluationDue(const EvaluationOptions& options, const RunLength& length, int64_t step,
                   bool epoch_ended);

// `minutes_since_last` counts from the last save or the start.
bool CheckpointDue(const CheckpointOptions& options, int64_t step, double minutes_since_last);

}  // namespace slimreel

#endif  // TRAINER_LOOP_RUN_LENGTH_H_
