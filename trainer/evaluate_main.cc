// //trainer:evaluate. See trainer/README.md.
#include <gflags/gflags.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/command_line.h"
#include "base/status_macros.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/setup/run_options.h"
#include "trainer/setup/trained_model.h"

DEFINE_string(run, "", "run folder that //trainer:train wrote");
DEFINE_string(data, "",
              "shard folder(s): their test shards, else val, else the only split there is; "
              "default: the run's data.test, else its data.val");
DEFINE_string(checkpoint, "best", "best | latest | path");
DEFINE_bool(json, false, "print one JSON object");

namespace slimreel {
namespace {

nlohmann::ordered_json ToJson(const ClassificationMetrics& metrics) {
  return {{"top1", metrics.top1},
          {"top5", metrics.top5},
          {"mean_class_accuracy", metrics.mean_class_accuracy},
          {"loss", metrics.loss},
          {"count", metrics.count}};
}

void PrintRow(const char* what, const ClassificationMetrics& metrics) {
  std::cout << absl::StrFormat("%-10s %6d  top1 %.4f  top5 %.4f  mean class %.4f  loss %.4f\n",
                               what, metrics.count, metrics.top1, metrics.top5,
                               metrics.mean_class_accuracy, metrics.loss);
}

absl::StatusOr<std::unique_ptr<Loader>> OpenData(const TrainedModel& trained) {
  const DataOptions& data = trained.config.data;
  std::vector<std::string> sources = data.test;
  if (!FLAGS_data.empty()) sources = absl::StrSplit(FLAGS_data, ',');
  const bool use_val = sources.empty();
  if (use_val) sources = data.val;
  if (sources.empty()) {
    return absl::InvalidArgumentError("the run names neither data.test nor data.val; give --data");
  }
  const auto open = [&](const char* split) {
    return Loader::Open(EvaluationLoaderOptions(trained.config, sources, split));
  };
  absl::StatusOr<std::unique_ptr<Loader>> loader = open(use_val ? "val" : "test");
  if (!use_val && absl::IsNotFound(loader.status())) {
    // A folder of train and val shards: held-out data is what is asked for.
    absl::StatusOr<std::unique_ptr<Loader>> held_out = open("val");
    if (held_out.ok()) {
      std::cerr << "evaluate: no test shards there; evaluating the val shards\n";
      loader = std::move(held_out);
    }
  }
  SLIMREEL_RETURN_IF_ERROR(loader.status());
  if ((*loader)->classes() == trained.checkpoint.state.classes) return loader;
  return absl::InvalidArgumentError(
      "the data has other classes than the run was trained on; prepare it with the same ones");
}

absl::Status Evaluate() {
  SLIMREEL_ASSIGN_OR_RETURN(const TrainedModel trained,
                            LoadTrainedModel(FLAGS_run, FLAGS_checkpoint));
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader, OpenData(trained));
  Evaluator evaluator(*trained.model, loader.get(), /*max_batches=*/-1, trained.device);
  SLIMREEL_ASSIGN_OR_RETURN(const EvaluationResult result, evaluator.Run());
  if (FLAGS_json) {
    const nlohmann::ordered_json json = {{"checkpoint", trained.checkpoint.path},
                                         {"step", trained.checkpoint.state.step},
                                         {"metrics", ToJson(result.videos)},
                                         {"clip_metrics", ToJson(result.clips)}};
    std::cout << json.dump() << "\n";
    return absl::OkStatus();
  }
  std::cout << trained.checkpoint.path << "\n";
  PrintRow("per video", result.videos);
  PrintRow("per clip", result.clips);
  return absl::OkStatus();
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();  // before any tensor exists
  slimreel::Program program;
  program.name = "evaluate";
  program.synopsis = "evaluate --run=DIR [--data=DIR] [--checkpoint=best|latest|PATH] [--json]";
  program.description =
      "Top-1, top-5, mean class accuracy and loss, per video (logits of its clips averaged) and "
      "per clip.";
  program.flags = {"run", "data", "checkpoint", "json"};
  program.examples = "evaluate --run=runs/quickstart --data=shards_test";
  return slimreel::RunProgram(argc, argv, program,
                              [](const slimreel::CommandLine&) { return slimreel::Evaluate(); });
}
