#include "trainer/evaluation_data.h"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "memory/tracking/device_memory.h"
#include "trainer/setup/class_lists.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/held_out.h"
#include "trainer/setup/loader_memory.h"
#include "trainer/setup/model_spec.h"
#include "trainer/setup/run_loaders.h"

namespace slimreel {
namespace {

struct DataChoice {
  std::vector<std::string> sources;
  std::string split;
  std::string key;             // names the sources: --data or a key of the run
  bool or_val_shards = false;  // if there are none of `split`
};

absl::StatusOr<DataChoice> ChooseData(const DataOptions& data, const InferenceFlags& flags) {
  const std::string& split = flags.split;
  if (!flags.data.empty()) {
    return DataChoice{flags.data, split.empty() ? "test" : split, "--data", split.empty()};
  }
  const auto of_run = [&](const char* of) {
    return split == of || (split.empty() && absl::string_view(of) != "train");
  };
  if (of_run("test") && !data.test.empty()) {
    return DataChoice{data.test, "test", "data.test", split.empty()};
  }
  if (of_run("val") && !data.val.empty()) return DataChoice{data.val, "val", "data.val"};
  if (of_run("train")) return DataChoice{data.train, "train", "data.train"};
  if (split.empty()) {
    return absl::InvalidArgumentError("the run names neither data.test nor data.val; give --data");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the run names no data for --split=", split, "; give --data"));
}

// The paths of a run may be relative, and the current folder may be another one.
absl::Status Explain(const DataChoice& choice, const absl::Status& status) {
  if (status.ok() || choice.key == "--data") return status;
  return absl::Status(status.code(),
                      absl::StrCat("the run's ", choice.key, ": ", status.message(),
                                   "; a relative path starts at the folder that train was "
                                   "called in: go there, or give --data"));
}

absl::StatusOr<std::unique_ptr<Loader>> OpenChoice(const TrainedModel& trained,
                                                   const DataChoice& choice) {
  const Config& config = trained.config;
  LoaderOptions options = EvaluationLoaderOptions(config, choice.sources, choice.split);
  options.sources_key = choice.key;
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *trained.model, &options));
  Ceiling ceiling = trained.ceiling;
  if (ceiling.bytes > 0) {
    FitEvaluationBatch(ceiling.bytes - ReadDeviceMemory(trained.device).live_bytes, ceiling.origin,
                       &options);
  }
  SLIMREEL_RETURN_IF_ERROR(SizeLoaders(config, FindResources(trained.device), {&options}).status());
  absl::StatusOr<std::unique_ptr<Loader>> loader = Loader::Open(options);
  if (choice.or_val_shards && absl::IsNotFound(loader.status())) {
    // The folder holds train and val shards: val is the held-out part.
    options.split = "val";
    absl::StatusOr<std::unique_ptr<Loader>> held_out = Loader::Open(options);
    if (held_out.ok()) {
      std::cerr << "evaluate: no test shards there; evaluating the val shards\n";
      loader = std::move(held_out);
    }
  }
  SLIMREEL_RETURN_IF_ERROR(Explain(choice, loader.status()));
  SLIMREEL_RETURN_IF_ERROR(LeaveRoomForLoading(NeedsOf({&options}), trained.device, &ceiling));
  return loader;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Loader>> OpenEvaluationData(const TrainedModel& trained,
                                                           const InferenceFlags& flags) {
  if (IsSpeechModel(trained.config)) {
    return absl::UnimplementedError("evaluating a speech model is not yet available");
  }
  SLIMREEL_ASSIGN_OR_RETURN(const DataChoice choice, ChooseData(trained.config.data, flags));
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Loader> loader, OpenChoice(trained, choice));
  if (loader->classes() != trained.checkpoint.state.classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(choice.sources, ", "), " has other classes than the run was trained on: ",
        DescribeClassDifference({"the data", loader->classes()},
                                {"the run", trained.checkpoint.state.classes}),
        "; prepare it from a folder with these classes, or give --data with such shards"));
  }
  if (flags.split == "train" || loader->ContentIds().empty()) return loader;
  SLIMREEL_ASSIGN_OR_RETURN(
      const SampleIds trained_on,
      FindTrainedOn(flags.run, trained.checkpoint, trained.config, *trained.model));
  SLIMREEL_RETURN_IF_ERROR(CheckHeldOut(
      trained_on, *loader, absl::StrCat(choice.key, " (", absl::StrJoin(choice.sources, ", "), ")"),
      "or give --split=train to score training samples on purpose"));
  return loader;
}

}  // namespace slimreel
