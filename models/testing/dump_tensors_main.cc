// dump_tensors REQUEST.json: runs one forward and backward pass of a model and writes every
// tensor to a file. tools/parity/check_models.py writes requests and compares the tensors with
// the references.
//
// A request has: model, dtype ("float32" or "float64"), mode ("train" or "eval"), lean, inputs
// (sizes for FormulaInputs), integer_inputs, labels, label_smoothing, num_classes, num_frames,
// img_size, heatmap_size, weights and output (safetensors). For speech also audio_positions,
// encoder_layers and decoder_layers, which replace the published ones.
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "models/factory/factory.h"
#include "models/speech/whisper.h"
#include "models/testing/formula.h"
#include "models/testing/recording.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

absl::StatusOr<WhisperConfig> WhisperConfigOf(const std::string& name) {
  constexpr std::pair<const char*, WhisperConfig (*)()> kWhispers[] = {
      {"whisper_nano", WhisperNano},        {"whisper_tiny", WhisperTiny},
      {"whisper_base", WhisperBase},        {"whisper_small", WhisperSmall},
      {"whisper_medium", WhisperMedium},    {"whisper_large_v2", WhisperLargeV2},
      {"whisper_large_v3", WhisperLargeV3}, {"whisper_turbo", WhisperTurbo}};
  for (const auto& [known, config] : kWhispers) {
    if (name == known) return config();
  }
  return absl::NotFoundError(absl::StrCat("no speech model ", name));
}

ModelSpec SpecOf(const nlohmann::json& request) {
  ModelSpec spec;
  spec.name = request["model"];
  spec.dtype = request["dtype"] == "float64" ? at::kDouble : at::kFloat;
  spec.dropout = spec.drop_path = 0.0;
  spec.label_smoothing = request["label_smoothing"];
  spec.num_classes = request.value("num_classes", spec.num_classes);
  spec.num_frames = request.value("num_frames", spec.num_frames);
  spec.height = spec.width = request.value("img_size", spec.height);
  if (request.contains("heatmap_size")) spec.heatmap_size = request["heatmap_size"].get<int64_t>();
  return spec;
}

// Models with more than 300 M parameters are compared at full width with fewer layers.
ModelResult MakeModel(const nlohmann::json& request) {
  const ModelSpec spec = SpecOf(request);
  if (!request.contains("audio_positions")) return BuildModel(spec);
  SLIMREEL_ASSIGN_OR_RETURN(WhisperConfig config, WhisperConfigOf(spec.name));
  config.audio_positions = request["audio_positions"];
  config.encoder_layers = request["encoder_layers"];
  config.decoder_layers = request["decoder_layers"];
  WhisperStages whisper = MakeWhisperStages(config, spec);
  auto model = std::make_unique<Model>();
  model->name = spec.name;
  model->stages = std::move(whisper.stages);
  model->loss = std::move(whisper.loss);
  return model;
}

// "activations NAME", "logits N", "losses 0", "gradients KEY", "buffers KEY".
std::vector<NamedTensor> RunModel(const nlohmann::json& request, const Model& model) {
  Tensors targets{IntegerTensor(request["labels"])};
  StageContext context;
  context.training = request["mode"] == "train";
  context.lean = request["lean"];
  context.targets = &targets;
  context.loss_denominator = model.loss->ValidWeight(targets);
  Tensors inputs = FormulaInputs(request["inputs"], Parameters(model).front().tensor.scalar_type());
  for (const nlohmann::json& rows : request["integer_inputs"]) {
    inputs.push_back(IntegerTensor(rows));
  }
  Recording recording = RunRecorded(model.stages, context, std::move(inputs));
  const at::Tensor loss = model.loss->Forward(context, recording.last)[0];
  loss.backward();
  std::vector<NamedTensor> out{{"losses 0", loss.detach()}};
  const auto add = [&](const std::string& kind, const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& named : tensors) {
      out.push_back({absl::StrCat(kind, " ", named.name), named.tensor.detach()});
    }
  };
  add("activations", recording.activations);
  for (size_t head = 0; head < recording.last.size(); ++head) {
    add("logits", {{absl::StrCat(head), recording.last[head]}});
  }
  for (const NamedTensor& named : Parameters(model)) {
    add("gradients", {{named.name, named.tensor.grad()}});
  }
  CommitLogs(StepLogs(model.Chain()));
  add("buffers", Buffers(model));
  return out;
}

absl::Status Dump(const nlohmann::json& request) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, MakeModel(request));
  std::vector<NamedTensor> tensors = Parameters(*model);
  for (NamedTensor& buffer : Buffers(*model)) tensors.push_back(std::move(buffer));
  SLIMREEL_RETURN_IF_ERROR(LoadInto(tensors, request["weights"]).status());
  return SaveWeights(request["output"], RunModel(request, *model));
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: dump_tensors REQUEST.json\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  const nlohmann::json request = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) {
    std::cerr << argv[1] << ": not a JSON object\n";
    return 2;
  }
  const absl::Status status = slimreel::Dump(request);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
