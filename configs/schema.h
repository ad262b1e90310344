// The one configuration of all programs: joins the torch-free option structs of
// the packages with one key table. Every binary that takes --config calls
// LoadConfig.
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
  // From aliases of flags (`output_dir`, `resume`) met in a configuration; the
  // flags --run and --resume win. Not part of the resolved file.
  std::string run;
  std::string resume;
  friend bool operator==(const Config&, const Config&) = default;
};

// Defaults, then the file (none where `path` is empty), then overrides. The
// result is checked and resolved (train.accumulate_grad_batches is derived where
// train.effective_batch_size is set). Errors, all at once: InvalidArgument, NotFound.
// `notes` (may be null) gets a line for each alias used: the caller logs them.
absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<ConfigOverride>& overrides,
                                  std::vector<std::string>* notes = nullptr);

// Every key with its value; LoadConfig reads it back to the same.
// `with_comments` adds meaning and bounds above each key.
std::string ConfigToYaml(const Config& config, bool with_comments = false);

// The table of keys and aliases that --help_config prints.
std::string ConfigHelp();

// Keys and aliases without a dot, which a command line takes as config settings.
std::vector<std::string> BareConfigKeys();
// Other names of flags: {"output_dir", "run"}.
std::vector<std::pair<std::string, std::string>> FlagAliases();

struct ConfigDifference {
  std::string key;
  std::string before;  // YAML
  std::string after;
  bool changes_result;  // a resumed run would learn something else
};
std::vector<ConfigDifference> DiffConfigs(const Config& before, const Config& after);

}  // namespace slimreel

#endif  // CONFIGS_SCHEMA_H_
