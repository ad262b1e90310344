// What //trainer:train does, behind its flags.
#ifndef TRAINER_SETUP_TRAIN_COMMAND_H_
#define TRAINER_SETUP_TRAIN_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/config_override.h"

namespace slimreel {

struct TrainCommand {
  std::string config;  // path of a YAML file
  std::string run;     // run folder; empty: runs/<name of the configuration>
  std::string resume;  // auto (or empty) | none | path of a checkpoint or run folder
  std::optional<int64_t> profile_step;  // record each allocation of this step, counted from 1
  bool plan_only = false;
  std::string
      device_profile;  // plan for this card of configs/devices.yaml; empty: for this machine
  bool allow_config_change = false;  // resume although what is learnt changes
};

// Trains to the end, or to a stop signal (Cancelled, exit 75). The result goes to standard output,
// everything else to standard error.
absl::Status RunTrainCommand(const TrainCommand& command,
                             const std::vector<ConfigOverride>& overrides);

}  // namespace slimreel

#endif  // TRAINER_SETUP_TRAIN_COMMAND_H_
