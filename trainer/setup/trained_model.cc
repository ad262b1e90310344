#include "trainer/setup/trained_model.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "models/factory/factory.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/setup/config_change.h"
#include "trainer/setup/device.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/inference_config.h"
#include "trainer/setup/model_setup.h"
#include "trainer/setup/model_spec.h"

namespace slimreel {
namespace {

absl::StatusOr<Config> ConfigOf(const FoundCheckpoint& checkpoint, const Config& run) {
  const std::string saved = SavedConfigPath(checkpoint);
  if (!std::filesystem::exists(saved)) return run;
  SLIMREEL_ASSIGN_OR_RETURN(const Config learnt, LoadConfig(saved, {}));
  return InferenceConfig(run, learnt);
}

}  // namespace

absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& run_dir,
                                              const std::string& checkpoint) {
  if (run_dir.empty()) {
    return absl::InvalidArgumentError("--run=DIR is missing: a folder that //trainer:train wrote");
  }
  const std::string config_path = absl::StrCat(run_dir, "/config.yaml");
  if (!std::filesystem::exists(config_path)) {
    return absl::NotFoundError(absl::StrCat("--run=", run_dir, " is no run folder: it has no ",
                                            "config.yaml; //trainer:train makes run folders"));
  }
  TrainedModel trained;
  SLIMREEL_ASSIGN_OR_RETURN(const Config run, LoadConfig(config_path, {}));
  SLIMREEL_ASSIGN_OR_RETURN(trained.checkpoint, FindCheckpoint(run_dir, checkpoint));
  for (const std::string& reason : trained.checkpoint.skipped) {
    LOG(WARNING) << reason << "; " << trained.checkpoint.path << " is used";
  }
  SLIMREEL_ASSIGN_OR_RETURN(trained.config, ConfigOf(trained.checkpoint, run));
  SLIMREEL_ASSIGN_OR_RETURN(trained.device, ResolveDevice(trained.config.trainer.device));
  SLIMREEL_ASSIGN_OR_RETURN(trained.ceiling, EnforceBudget(trained.config, trained.device));
  std::optional<int64_t> classes = trained.config.model.num_classes;
  const auto names = static_cast<int64_t>(trained.checkpoint.state.classes.size());
  if (!classes && names > 0) classes = names;  // a speech model has no names
  SLIMREEL_ASSIGN_OR_RETURN(trained.model, BuildModel(MakeModelSpec(trained.config, classes)));
  // An old checkpoint holds no configuration, and the run's precision may have changed since.
  SLIMREEL_RETURN_IF_ERROR(
      RestoreTensors(trained.checkpoint.path, *trained.model, nullptr, RestoreMode::kChanged)
          .status());
  MoveTo(*trained.model, trained.device);
  return trained;
}

}  // namespace slimreel
