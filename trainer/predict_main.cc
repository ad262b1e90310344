// //trainer:predict. See trainer/README.md.
#include <gflags/gflags.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/command_line.h"
#include "base/status_macros.h"
#include "data/decode/libav_handles.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/prediction/video_predictor.h"
#include "trainer/setup/run_options.h"
#include "trainer/setup/trained_model.h"

DEFINE_string(run, "", "run folder that //trainer:train wrote");
DEFINE_string(input, "", "video files, comma-separated");
DEFINE_string(checkpoint, "best", "best | latest | path");
DEFINE_bool(json, false, "print one JSON object per file");

namespace slimreel {
namespace {

std::string ClassName(const TrainedModel& trained, size_t label) {
  const auto& classes = trained.checkpoint.state.classes;
  return label < classes.size() ? classes[label] : absl::StrCat(label);
}

void Print(const TrainedModel& trained, const std::string& path,
           const VideoPrediction& prediction) {
  const auto& probabilities = prediction.probabilities;
  const std::string label = ClassName(trained, static_cast<size_t>(prediction.label));
  if (!FLAGS_json) {
    std::cout << absl::StrFormat("%s\t%s\t%.4f\n", path, label, probabilities[prediction.label]);
    return;
  }
  nlohmann::ordered_json by_class;
  for (size_t c = 0; c < probabilities.size(); ++c)
    by_class[ClassName(trained, c)] = probabilities[c];
  const nlohmann::ordered_json json = {{"path", path},
                                       {"label", label},
                                       {"probability", probabilities[prediction.label]},
                                       {"probabilities", by_class},
                                       {"frames", prediction.frames},
                                       {"clips", prediction.clips}};
  std::cout << json.dump() << "\n";
}

absl::Status Predict(std::vector<std::string> paths) {
  for (const absl::string_view path : absl::StrSplit(FLAGS_input, ',', absl::SkipEmpty())) {
    paths.emplace_back(path);
  }
  if (paths.empty()) return absl::InvalidArgumentError("--input=FILES is missing");
  QuietLibavLog();
  SLIMREEL_ASSIGN_OR_RETURN(const TrainedModel trained,
                            LoadTrainedModel(FLAGS_run, FLAGS_checkpoint));
  const PredictOptions options = MakePredictOptions(trained.config, trained.device);
  size_t failed = 0;
  for (const std::string& path : paths) {
    const auto prediction = PredictVideo(*trained.model, path, options);
    if (prediction.ok()) {
      Print(trained, path, *prediction);
    } else {
      std::cerr << prediction.status().message() << "\n";
      ++failed;
    }
  }
  if (failed < paths.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("none of ", paths.size(), " files could be predicted"));
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InstallCpuAllocator();  // before any tensor exists
  slimreel::Program program;
  program.name = "predict";
  program.synopsis = "predict --run=DIR --input=FILES [--checkpoint=best|latest|PATH] [--json]";
  program.description =
      "Labels raw videos of any length, a chunk at a time. A file that cannot be read is\n"
      "reported, and the others go on.";
  program.flags = {"run", "input", "checkpoint", "json"};
  program.examples = "predict --run=runs/quickstart --input=clip.mp4";
  return slimreel::RunProgram(argc, argv, program, [](const slimreel::CommandLine& line) {
    return slimreel::Predict(line.positional);
  });
}
