// The one configuration of all programs: the option structs of all packages and the key table that
// sets them. It needs no torch.
//
// Threading: free functions without state.
#ifndef CONFIGS_SCHEMA_H_
#define CONFIGS_SCHEMA_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/config_override.h"
#include "configs/data_options.h"
#include "configs/memory_options.h"
#include "configs/model_options.h"
#include "configs/train_options.h"
#include "configs/trainer_options.h"

namespace slimreel {

struct Config {
  Task task = Task::kClassify;
  int64_t seed = 0;
  DataOptions data;
  DataloaderOptions dataloader;
  ModelOptions model;
  TrainOptions train;
  TrainerOptions trainer;
  EvaluationOptions evaluation;
  CheckpointOptions checkpoint;
  MemoryOptions memory;
  // Set by aliases of flags (`output_dir`, `resume`) in a configuration. The flags --run and
  // --resume win. Not part of the resolved file.
  std::string run;
  std::string resume;
  friend bool operator==(const Config&, const Config&) = default;
};

// Starts from the defaults, then applies the file (none if `path` is empty), then the overrides.
// Checks and resolves the result: if train.effective_batch_size is set,
// train.accumulate_grad_batches is derived from it. Errors: NotFound (no such file), or
// InvalidArgument with all mistakes. `notes` (may be null) gets one line for each alias that was
// used, for the caller to log.
absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<ConfigOverride>& overrides,
                                  std::vector<std::string>* notes = nullptr);

// Every key with its value; LoadConfig reads the same configuration back. `with_comments` adds the
// meaning and what is allowed above each key.
std::string ConfigToYaml(const Config& config, bool with_comments = false);

// The table of keys and aliases that --help_config prints.
std::string ConfigHelp();

// Keys and aliases without a dot that a command line takes as config settings.
std::vector<std::string> BareConfigKeys();
// Other names of flags: {"output_dir", "run"}.
std::vector<std::pair<std::string, std::string>> FlagAliases();

struct ConfigDifference {
  std::string key;
  std::string before;  // YAML
  std::string after;
  bool changes_result;  // a resumed run would learn differently
};
std::vector<ConfigDifference> DiffConfigs(const Config& before, const Config& after);

}  // namespace slimreel

#endif  // CONFIGS_SCHEMA_H_
