// What a training run is asked for besides its configuration: where it writes, where it starts,
// and on what it computes. Plain data.
#ifndef TRAINER_SETUP_RUN_REQUEST_H_
#define TRAINER_SETUP_RUN_REQUEST_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/checkpoint/folder.h"
#include "trainer/setup/config_change.h"

namespace slimreel {

struct RunRequest {
  std::string run_dir;
  std::optional<FoundCheckpoint> start;  // none: a new run
  ConfigChanges changes;                 // since `start`
  at::Device device = at::kCPU;
  int64_t budget_bytes = 0;    // of the device, already in force; 0: none
  int64_t ceiling_bytes = 0;   // lowest of budget, device, control groups, rlimits; 0: unknown
  std::string ceiling_origin;  // what sets it: "memory.budget", "cgroup v1", ...
};

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_REQUEST_H_
