// Plans a run for an accelerator that is not there (configs/devices.yaml), without weights.
//
// Bytes: the model's stages are measured on the CPU, one at a time, and rounded to the blocks that
// CUDA's allocator hands out. Kernels of the accelerator may need other scratch than the CPU's.
// Time: a roofline (memory/planner/roofline.h). So both are estimates.
//
// Threading: one thread.
#ifndef TRAINER_SETUP_DEVICE_PLAN_H_
#define TRAINER_SETUP_DEVICE_PLAN_H_

#include <string>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/planning/plan_page.h"

namespace slimreel {

// Needs no data: classes come from model.num_classes or, without it, from data.train. Errors:
// NotFound for a name that the table lacks; those of the factory; NothingFits with the smallest
// card of the table that would do.
absl::StatusOr<PlanReport> PlanForDevice(const Config& config, const std::string& device_name);

}  // namespace slimreel

#endif  // TRAINER_SETUP_DEVICE_PLAN_H_
