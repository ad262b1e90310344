// //trainer:predict. See trainer/README.md.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/byte_text.h"
#include "base/exit_code.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "base/stop_signal.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"
#include "trainer/inference_program.h"
#include "trainer/prediction/video_predictor.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/predict_setup.h"

namespace slimreel {
namespace {

std::string ClassName(const TrainedModel& trained, size_t label) {
  const auto& classes = trained.checkpoint.state.classes;
  return label < classes.size() ? classes[label] : absl::StrCat(label);
}

using Json = nlohmann::ordered_json;

// Paths and class names are made valid text by TextOfBytes; messages of libraries may hold any
// bytes. Each line is flushed, so that a reader gets it at once and a kill loses none.
void PrintJson(const Json& json) {
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

void Print(const TrainedModel& trained, const std::string& path, bool as_json,
           const VideoPrediction& prediction) {
  if (!prediction.partial.empty()) {
    std::cerr << path << ": " << prediction.partial << "; labelled by the " << prediction.frames
              << " frames that could be read\n";
  }
  const auto& probabilities = prediction.probabilities;
  const std::string label = ClassName(trained, static_cast<size_t>(prediction.label));
  if (!as_json) {
    std::cout << absl::StrFormat("%s\t%s\t%.4f", path, label, probabilities[prediction.label])
              << std::endl;
    return;
  }
  Json by_class;
  for (size_t c = 0; c < probabilities.size(); ++c)
    by_class[TextOfBytes(ClassName(trained, c))] = probabilities[c];
  PrintJson({{"path", TextOfBytes(path)},
             {"status", prediction.partial.empty() ? "ok" : "partial"},
             {"reason", prediction.partial},
             {"label", TextOfBytes(label)},
             {"probability", probabilities[prediction.label]},
             {"probabilities", by_class},
             {"frames", prediction.frames},
             {"clips", prediction.clips}});
}

void PrintFailure(const std::string& path, bool as_json, const absl::Status& status) {
  std::cerr << status.message() << "\n";
  if (!as_json) return;
  PrintJson({{"path", TextOfBytes(path)},
             {"status", "failed"},
             {"reason", ReasonOf(status)},
             {"message", std::string(status.message())}});
}

absl::Status Predict(const TrainedModel& trained, const InferenceFlags& flags) {
  if (flags.input.empty()) return absl::InvalidArgumentError("--input=FILES is missing");
  SLIMREEL_RETURN_IF_ERROR(CheckPredictable(*trained.model));
  QuietLibavLog();
  SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
  Ceiling ceiling = trained.ceiling;
  const Ceiling working =
      WorkingCeiling(host, trained.config.memory.host_budget, "memory.host_budget");
  SLIMREEL_RETURN_IF_ERROR(
      LeaveRoomForLoading({.buffer_bytes = std::min(working.bytes, host.headroom_bytes() / 4)},
                          trained.device, &ceiling));
  VideoPredictor predictor(
      *trained.model, MakePredictOptions(trained.config, trained.checkpoint.state.preparation, host,
                                         trained.device));
  InstallStopSignal();  // a label that is ready is printed whole
  size_t done = 0, failed = 0;
  for (const std::string& path : flags.input) {
    const auto prediction = predictor.Predict(path);
    if (absl::IsCancelled(prediction.status())) {
      return StoppedError(absl::StrCat("stopped by a signal; ", done, " of ", flags.input.size(),
                                       " files are labelled or reported; none from ", path, " on"));
    }
    if (IsMachineError(prediction.status())) {
      return WithMessage(
          prediction.status(),
          absl::StrCat(prediction.status().message(), "; ", done, " of ", flags.input.size(),
                       " files are labelled or reported; none from ", path, " on"));
    }
    ++done;
    if (prediction.ok()) {
      Print(trained, path, flags.json, *prediction);
    } else {
      PrintFailure(path, flags.json, prediction.status());
      ++failed;
    }
  }
  if (failed < flags.input.size()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("none of ", flags.input.size(), " files could be predicted"));
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::Program program;
  program.name = "predict";
  program.synopsis = "predict --run=DIR --input=FILES [--checkpoint=best|latest|PATH] [--json]";
  program.description =
      "Labels raw videos of any length, one chunk at a time. A file that cannot be read is\n"
      "reported (with --json in a line of its own, \"status\": \"failed\"), and the next file\n"
      "follows. The exit code is 3 if no file could be labelled. Files may also be given without\n"
      "--input.";
  program.flags = {"run", "input", "checkpoint", "json"};
  program.list_flags = {"input"};
  program.takes_positional = true;
  program.examples = "predict --run=runs/quickstart --input=clip.mp4";
  return slimreel::RunInference(argc, argv, program, slimreel::Predict);
}
