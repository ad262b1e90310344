// Puts the memory ceiling in force, for training and for inference with a trained model.
//
// The ceiling holds for the whole process. Threading: the thread that runs the steps.
#ifndef TRAINER_SETUP_DEVICE_BUDGET_H_
#define TRAINER_SETUP_DEVICE_BUDGET_H_

#include <c10/core/Device.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/memory_limits.h"
#include "configs/schema.h"
#include "trainer/setup/loader_memory.h"

namespace slimreel {

// What the process grows by during a run, besides tensors and the loaders' buffers (README.md).
inline constexpr int64_t kHostGrowthBytes = int64_t{48} << 20;

// Starts what computes (WarmUpCpu), measures what the process takes besides tensors, puts the
// lowest of memory.budget and the machine's limits less that in force, logs it, and returns it.
// Call it before the model is built. On an accelerator without memory.budget the device itself is
// the limit. Errors: NothingFits if a limit leaves nothing for tensors; see SetDeviceBudget.
absl::StatusOr<Ceiling> EnforceBudget(const Config& config, at::Device device);

// Measures again and lowers `ceiling` in force, if need be. Call it when the loaders are open:
// their mapped files and indices are in use then, and `needs` is known. On an accelerator nothing
// changes. Errors: as EnforceBudget.
absl::Status LeaveRoomForLoading(const LoadingNeeds& needs, at::Device device, Ceiling* ceiling);

}  // namespace slimreel

#endif  // TRAINER_SETUP_DEVICE_BUDGET_H_
