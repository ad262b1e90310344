// //trainer:evaluate. See trainer/README.md.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "base/byte_text.h"
#include "base/status_macros.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/evaluation/metrics_json.h"
#include "trainer/evaluation_data.h"
#include "trainer/inference_program.h"
#include "trainer/setup/precision.h"

namespace slimreel {
namespace {

// Prints one line: the metrics per video, or those per clip.
void PrintRow(const char* what, bool per_clip, const EvaluationMetrics& metrics) {
  std::cout << absl::StrFormat("%-10s %6d", what, per_clip ? metrics.clips : metrics.videos);
  for (const auto& [name, value] : metrics.values) {
    if (absl::StartsWith(name, "clip_") != per_clip) continue;
    std::cout << absl::StrFormat("  %s %.4f", per_clip ? name.substr(5) : name, value);
  }
  std::cout << "\n";
}

absl::Status Evaluate(const TrainedModel& trained, const InferenceFlags& flags) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                            OpenEvaluationData(trained, flags));
  Evaluator evaluator(*trained.model, loader.get(), /*max_clips=*/-1, trained.device,
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
  program.synopsis =
      "evaluate --run=DIR [--data=DIR] [--split=NAME] [--checkpoint=best|latest|PATH] [--json]";
  program.description =
      "Prints top-1, top-5, mean class accuracy and loss, per video (the mean of its clips' "
      "logits)\n"
      "and per clip. Samples that the run was trained on are refused, unless --split=train asks "
      "for\n"
      "them. They are recognised by their content, in any folder.";
  program.flags = {"run", "data", "split", "checkpoint", "json"};
  program.list_flags = {"data"};
  program.examples =
      "evaluate --run=runs/quickstart --data=shards_test\n"
      "evaluate --run=runs/quickstart --split=train";
  return slimreel::RunInference(argc, argv, program, slimreel::Evaluate);
}
