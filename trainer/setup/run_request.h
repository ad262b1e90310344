// What a training run is asked for besides its configuration: where it writes, where it starts,
// and on what it computes. Plain data.
#ifndef TRAINER_SETUP_RUN_REQUEST_H_
#define TRAINER_SETUP_RUN_REQUEST_H_

#include <c10/core/Device.h>

#include <optional>
#include <string>

#include "base/memory_limits.h"
#include "trainer/checkpoint/folder.h"
#include "trainer/setup/config_change.h"

namespace slimreel {

struct RunRequest {
  std::string run_dir;
  std::optional<FoundCheckpoint> start;  // none: a new run
  ConfigChanges changes;                 // since `start`
  at::Device device = at::kCPU;
  std::optional<int64_t> profile_step;  // --profile_step
  Ceiling ceiling;                      // of the device; 0 bytes: none. In force on the CPU, or if
                                        // memory.budget is set
};

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_REQUEST_H_
