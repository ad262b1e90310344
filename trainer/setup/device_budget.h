// Puts memory.budget in force, for training and for inference with a trained model.
//
// The budget holds for the whole process.
#ifndef TRAINER_SETUP_DEVICE_BUDGET_H_
#define TRAINER_SETUP_DEVICE_BUDGET_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "configs/schema.h"

namespace slimreel {

// Call it before the first tensor on the device. Returns the ceiling in force in bytes: the lower
// of the budget and what the machine allows. 0: memory.budget is not set, and nothing is enforced.
absl::StatusOr<int64_t> EnforceBudget(const Config& config, at::Device device);

// What the machine allows without a budget, in bytes: the lowest of physical or device memory,
// control groups and rlimits. 0: unknown.
int64_t MachineCeilingBytes(at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_DEVICE_BUDGET_H_
