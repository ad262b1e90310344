// Puts memory.budget in force, for training and for inference with a trained model.
#ifndef TRAINER_SETUP_DEVICE_BUDGET_H_
#define TRAINER_SETUP_DEVICE_BUDGET_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "configs/schema.h"

namespace slimreel {

// Before the first tensor on the device. Returns the ceiling in force, bytes: the lowest of
// the budget and what the machine allows; 0: no budget was asked for, and none is enforced.
absl::StatusOr<int64_t> EnforceBudget(const Config& config, at::Device device);

// What the machine allows where no budget is set, bytes: the lowest of physical or device memory,
// control groups and rlimits; 0 where it does not say.
int64_t MachineCeilingBytes(at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_DEVICE_BUDGET_H_
