// //trainer:evaluate. See trainer/README.md.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_text.h"
#include "base/status_macros.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/evaluation/metrics_json.h"
#include "trainer/inference_program.h"
#include "trainer/setup/class_lists.h"
#include "trainer/setup/loader_memory.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/run_options.h"

namespace slimreel {
namespace {

// One line: the metrics per video, or those per clip.
void PrintRow(const char* what, bool per_clip, const EvaluationMetrics& metrics) {
  std::cout << absl::StrFormat("%-10s %6d", what, per_clip ? metrics.clips : metrics.videos);
  for (const auto& [name, value] : metrics.values) {
    if (absl::StartsWith(name, "clip_") != per_clip) continue;
    std::cout << absl::StrFormat("  %s %.4f", per_clip ? name.substr(5) : name, value);
  }
  std::cout << "\n";
}

absl::StatusOr<std::unique_ptr<Loader>> OpenData(const TrainedModel& trained,
                                                 const InferenceFlags& flags) {
  const Config& config = trained.config;
  if (IsOfFamily(config.model.name, "speech")) {
    return absl::UnimplementedError("evaluating a speech model is not yet available");
  }
  std::vector<std::string> sources = flags.data.empty() ? config.data.test : flags.data;
  const bool use_val = sources.empty();
  if (use_val) sources = config.data.val;
  if (sources.empty()) {
    return absl::InvalidArgumentError("the run names neither data.test nor data.val; give --data");
  }
  LoaderOptions options = EvaluationLoaderOptions(config, sources, use_val ? "val" : "test");
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *trained.model, &options));
  SLIMREEL_RETURN_IF_ERROR(SizeLoaders(config, FindResources(trained.device), {&options}).status());
  absl::StatusOr<std::unique_ptr<Loader>> loader = Loader::Open(options);
  if (!use_val && absl::IsNotFound(loader.status())) {
    // A folder of train and val shards: held-out data is what is asked for.
    options.split = "val";
    absl::StatusOr<std::unique_ptr<Loader>> held_out = Loader::Open(options);
    if (held_out.ok()) {
      std::cerr << "evaluate: no test shards there; evaluating the val shards\n";
      loader = std::move(held_out);
    }
  }
  if (!loader.ok() && flags.data.empty()) {
    const char* key = use_val ? "data.val" : "data.test";
    return absl::Status(loader.status().code(),
                        absl::StrCat("the run's ", key, ": ", loader.status().message(),
                                     "; a relative path counts from the folder that train was "
                                     "called in: go there, or give --data"));
  }
  SLIMREEL_RETURN_IF_ERROR(loader.status());
  if ((*loader)->classes() == trained.checkpoint.state.classes) return loader;
  return absl::InvalidArgumentError(absl::StrCat(
      absl::StrJoin(sources, ", "), " has other classes than the run was trained on: ",
      DescribeClassDifference({"the data", (*loader)->classes()},
                              {"the run", trained.checkpoint.state.classes}),
      "; prepare it from a folder with these classes, or give --data with such shards"));
}

absl::Status Evaluate(const TrainedModel& trained, const InferenceFlags& flags) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader, OpenData(trained, flags));
  Evaluator evaluator(*trained.model, loader.get(), /*max_batches=*/-1, trained.device,
                      AutocastDtype(trained.config.trainer.precision));
  SLIMREEL_ASSIGN_OR_RETURN(const EvaluationResult result, evaluator.Run());
  if (flags.json) {
    using Json = nlohmann::ordered_json;
    const Json json = {{"checkpoint", TextOfBytes(trained.checkpoint.path)},
                       {"step", trained.checkpoint.state.step},
                       {"metrics", MetricsToJson(result.metrics)}};
    std::cout << json.dump() << "\n";
    return absl::OkStatus();
  }
  std::cout << trained.checkpoint.path << "\n";
  PrintRow("per video", /*per_clip=*/false, result.metrics);
  PrintRow("per clip", /*per_clip=*/true, result.metrics);
  return absl::OkStatus();
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::Program program;
  program.name = "evaluate";
  program.synopsis = "evaluate --run=DIR [--data=DIR] [--checkpoint=best|latest|PATH] [--json]";
  program.description =
      "Top-1, top-5, mean class accuracy and loss, per video (logits of its clips averaged) and "
      "per clip.";
  program.flags = {"run", "data", "checkpoint", "json"};
  program.examples = "evaluate --run=runs/quickstart --data=shards_test";
  return slimreel::RunInference(argc, argv, program, slimreel::Evaluate);
}
