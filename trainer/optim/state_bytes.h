// How many bytes an optimizer takes, without making one. Pure functions.
#ifndef TRAINER_OPTIM_STATE_BYTES_H_
#define TRAINER_OPTIM_STATE_BYTES_H_

#include <cstdint>
#include <vector>

#include "configs/train_options.h"
#include "memory/stage/stage.h"

namespace slimreel {

// Optimizer::StateBytes of these parameters without a loss scale; they need no memory (device
// meta). Each tensor is rounded up to `block_bytes` (1: not rounded).
int64_t OptimizerStateBytes(const TrainOptions& options, const std::vector<NamedTensor>& parameters,
                            int64_t block_bytes);

// What stays of it on the device if it is paged: counters, and two buffers for the default page. It
// assumes one list of all parameters, and an accelerator.
int64_t PagedOptimizerBytes(const TrainOptions& options, const std::vector<NamedTensor>& parameters,
                            int64_t block_bytes);

// What the optimizer holds between steps for the scratch of an update (optimizer.cc, Note [Reserved
// before the first step]).
int64_t ScratchReserveBytes(int64_t num_parameters);

// All that the optimizer holds besides its state.
int64_t OptimizerReserveBytes(int64_t num_parameters);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_STATE_BYTES_H_
