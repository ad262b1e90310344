#include "configs/schema.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/config/loader.h"
#include "base/mistakes.h"
#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

void Append(std::vector<ConfigKey> more, std::vector<ConfigKey>* keys) {
  for (ConfigKey& key : more) keys->push_back(std::move(key));
}

// The keys of flags, which only aliases set. They are never printed.
std::vector<ConfigKey> FlagKeys(Config* config) {
  std::vector<ConfigKey> keys;
  keys.push_back(TextKey("--run", &config->run, "none", "the run folder"));
  keys.push_back(CustomKey(
      "--resume", "auto, none or a path", "where to continue",
      [config](const YAML::Node& value) -> absl::Status {
        if (!value.IsScalar()) return NotAllowed(value, "auto, none or a path");
        config->resume = value.Scalar();
        return absl::OkStatus();
      },
      [config] { return config->resume; }));
  return keys;
}

// Derives train.accumulate_grad_batches from train.effective_batch_size.
absl::Status ResolveEffectiveBatch(Config* config) {
  if (!config->train.effective_batch_size.has_value()) return absl::OkStatus();
  const int64_t effective = *config->train.effective_batch_size;
  if (effective % config->data.batch_size != 0) {
    return absl::InvalidArgumentError(absl::StrCat("train.effective_batch_size is ", effective,
                                                   "; allowed is a multiple of data.batch_size, ",
                                                   "which is ", config->data.batch_size));
  }
  config->train.accumulate_grad_batches = effective / config->data.batch_size;
  return absl::OkStatus();
}

absl::Status CheckClassWeights(const Config& config) {
  const size_t weights = config.train.class_weights.size();
  if (weights == 0 || !config.model.num_classes.has_value()) return absl::OkStatus();
  if (static_cast<int64_t>(weights) == *config.model.num_classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("train.class_weights has ", weights,
                                                 " numbers, but model.num_classes is ",
                                                 *config.model.num_classes, "; give one for each"));
}

// Whether the schedule of the learning rate depends on the length of the run.
bool LengthMatters(const TrainOptions& train) {
  return train.schedule == LrSchedule::kLinear || train.schedule == LrSchedule::kCosine ||
         (train.schedule == LrSchedule::kStep && !train.step_size.has_value());
}

}  // namespace

std::vector<ConfigKey> AllKeys(Config* config) {
  std::vector<ConfigKey> keys;
  keys.push_back(EnumKey("task", &config->task, {"classify", "detect_fake", "transcribe"},
                         "The task, which decides metrics, loss and head")
                     .Later());
  keys.push_back(IntKey("seed", &config->seed, AtLeast(0), "Seed of all random choices"));
  Append(DataKeys(&config->data, &config->dataloader), &keys);
  Append(ModelKeys(&config->model), &keys);
  Append(TrainKeys(&config->train), &keys);
  Append(TrainerKeys(&config->trainer), &keys);
  Append(EvaluationKeys(&config->evaluation), &keys);
  Append(CheckpointKeys(&config->checkpoint), &keys);
  Append(MemoryKeys(&config->memory), &keys);
  return keys;
}

absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<ConfigOverride>& overrides,
                                  std::vector<std::string>* notes) {
  Config config;
  std::vector<ConfigKey> keys = AllKeys(&config);
  Append(FlagKeys(&config), &keys);
  std::vector<std::string> unused_notes;
  const absl::Status applied = ApplyConfig(path, overrides, ConfigAliases(), &keys,
                                           notes != nullptr ? notes : &unused_notes);
  if (absl::IsNotFound(applied)) return applied;
  Mistakes mistakes;
  mistakes.Add(applied);
  const std::string where = absl::StrCat(path.empty() ? "configuration" : path, ": ");
  for (const absl::Status& status :
       {ResolveEffectiveBatch(&config), CheckClassWeights(config), config.data.Validate(),
        config.train.Validate(), config.evaluation.Validate()}) {
    mistakes.Add(status, where);
  }
  SLIMREEL_RETURN_IF_ERROR(mistakes.ToStatus());
  return config;
}

std::string ConfigToYaml(const Config& config, bool with_comments) {
  Config copy = config;
  return ConfigKeysToYaml(AllKeys(&copy), with_comments);
}

std::string ConfigHelp() {
  Config config;
  std::string page =
      "Keys of the configuration: set in a YAML file, or as KEY=VALUE on the command line.\n\n";
  for (const ConfigKey& key : AllKeys(&config)) {
    std::string later;
    if (key.later) later = "; only the default is available yet";
    if (!key.later_values.empty()) {
      later = absl::StrCat("; not yet available: ", absl::StrJoin(key.later_values, ", "));
    }
    absl::StrAppendFormat(&page, "%s\n    %s\n    default %s; %s%s\n", key.name, key.meaning,
                          key.default_text, key.allowed, later);
  }
  absl::StrAppend(&page, "\nOther names that are accepted:\n");
  for (const ConfigAlias& alias : ConfigAliases()) {
    absl::StrAppendFormat(&page, "  %-46s %s\n", alias.name, alias.key);
  }
  return page;
}

std::vector<std::string> BareConfigKeys() {
  std::vector<std::string> names = {"task", "seed"};
  for (const ConfigAlias& alias : ConfigAliases()) {
    if (!absl::StrContains(alias.name, '.')) names.push_back(alias.name);
  }
  return names;
}

std::vector<std::pair<std::string, std::string>> FlagAliases() {
  return {{"work-dir", "run"}, {"work_dir", "run"}, {"output_dir", "run"}, {"output-dir", "run"}};
}

std::vector<ConfigDifference> DiffConfigs(const Config& before, const Config& after) {
  Config a = before;
  Config b = after;
  const std::vector<ConfigKey> old_keys = AllKeys(&a);
  const std::vector<ConfigKey> new_keys = AllKeys(&b);
  std::vector<ConfigDifference> differences;
  for (size_t i = 0; i < old_keys.size(); ++i) {
    const ConfigKey& key = old_keys[i];
    const std::string was = key.get(), is = new_keys[i].get();
    if (was == is || key.part_of_map) continue;
    bool changes = key.changes_result;
    if (key.name == "train.max_epochs" || key.name == "train.max_steps") {
      changes = LengthMatters(after.train) || LengthMatters(before.train);
    }
    differences.push_back({key.name, was, is, changes});
  }
  return differences;
}

}  // namespace slimreel
