#include "trainer/setup/run_data.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "memory/tracking/device_memory.h"
#include "trainer/setup/class_lists.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/held_out.h"
#include "trainer/setup/model_spec.h"
#include "trainer/setup/run_loaders.h"

namespace slimreel {
namespace {

// A path from the configuration file: the error says which key it comes from.
absl::StatusOr<std::unique_ptr<Loader>> OpenKey(const char* key, const LoaderOptions& options) {
  absl::StatusOr<std::unique_ptr<Loader>> loader = Loader::Open(options);
  if (loader.ok()) return loader;
  return WithMessage(loader.status(), absl::StrCat(key, ": ", loader.status().message()));
}

absl::StatusOr<LoaderOptions> TrainOptionsOf(const Config& config, const Learner& learner) {
  LoaderOptions options = TrainLoaderOptions(config, learner.batch.effective_batch);
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *learner.model, &options));
  return options;
}

absl::StatusOr<LoaderOptions> ValOptionsOf(const Config& config, const Learner& learner) {
  LoaderOptions options = EvaluationLoaderOptions(config, config.data.val, "val");
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *learner.model, &options));
  return options;
}

bool Evaluates(const Config& config) {
  return config.evaluation.strategy != EvaluationStrategy::kNo && !IsSpeechModel(config) &&
         !config.data.val.empty();
}

void WarnIfNotEvaluated(const Config& config) {
  if (config.evaluation.strategy == EvaluationStrategy::kNo) return;
  LOG(WARNING) << (IsSpeechModel(config) ? "evaluating a speech model is not yet available"
                                         : "data.val is not set")
               << ", so nothing is evaluated during training";
}

absl::Status CheckValidation(const RunData& data) {
  if (data.val->classes() != data.train->classes()) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribeClassDifference({"data.val", data.val->classes()},
                                             {"data.train", data.train->classes()}),
                     "; prepare both with the same classes"));
  }
  return CheckHeldOut(data.trained_on, *data.val, "data.val", "or set evaluation.strategy=no");
}

}  // namespace

absl::StatusOr<RunData> OpenRunData(const Config& config, const RunRequest& request,
                                    const Learner& learner) {
  SLIMREEL_ASSIGN_OR_RETURN(LoaderOptions train, TrainOptionsOf(config, learner));
  SLIMREEL_ASSIGN_OR_RETURN(LoaderOptions val, ValOptionsOf(config, learner));
  const bool evaluates = Evaluates(config);
  std::vector<LoaderOptions*> loaders = {&train};
  if (evaluates) {
    if (request.ceiling.bytes > 0) {
      FitEvaluationBatch(request.ceiling.bytes - ReadDeviceMemory(request.device).live_bytes,
                         request.ceiling.origin, &val);
    }
    loaders.push_back(&val);
  }
  RunData data;
  SLIMREEL_ASSIGN_OR_RETURN(data.record,
                            SizeLoaders(config, FindResources(request.device), loaders));
  SLIMREEL_ASSIGN_OR_RETURN(data.train, OpenKey("data.train", train));
  SLIMREEL_ASSIGN_OR_RETURN(data.trained_on,
                            FindTrainedOn(request.run_dir, request.start, *data.train));
  if (evaluates) {
    SLIMREEL_ASSIGN_OR_RETURN(data.val, OpenKey("data.val", val));
    SLIMREEL_RETURN_IF_ERROR(CheckValidation(data));
  } else {
    WarnIfNotEvaluated(config);
  }
  data.ceiling = request.ceiling;
  data.needs = NeedsOf(loaders);
  SLIMREEL_RETURN_IF_ERROR(LeaveRoomForLoading(data.needs, request.device, &data.ceiling));
  return data;
}

}  // namespace slimreel
