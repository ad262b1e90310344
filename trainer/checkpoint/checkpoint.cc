#include "trainer/checkpoint/checkpoint.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "models/weights/weights.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {
namespace {

// What model.safetensors holds: parameters and buffers under their reference keys.
std::vector<NamedTensor> ModelTensors(const Model& model) {
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  return tensors;
}

absl::Status WriteFiles(const std::string& folder, const SaveRequest& request, TrainState& state) {
  const std::string model_file = absl::StrCat(folder, "/", kModelFile);
  const std::string optimizer_file = absl::StrCat(folder, "/", kOptimizerFile);
  SLIMREEL_RETURN_IF_ERROR(SaveWeights(model_file, ModelTensors(*request.model),
                                       {{"format", "pt"}, {"model", request.model->name}}));
  SLIMREEL_RETURN_IF_ERROR(SaveWeights(optimizer_file, request.optimizer->State()));
  SLIMREEL_ASSIGN_OR_RETURN(state.files[kModelFile], FingerprintFile(model_file));
  SLIMREEL_ASSIGN_OR_RETURN(state.files[kOptimizerFile], FingerprintFile(optimizer_file));
  return WriteFileAtomically(absl::StrCat(folder, "/", kStateFile), StateToJson(state));
}

}  // namespace

RunEnvironment CurrentEnvironment(const std::string& device) {
  return {.threads = at::get_num_threads(),
          .instruction_set = at::get_cpu_capability(),
          .torch_version = TORCH_VERSION,
          .device = device};
}

absl::Status SaveCheckpoint(const SaveRequest& request, TrainState state) {
  const std::string folder = absl::StrCat(request.run_dir, "/checkpoints");
  const std::string name = CheckpointName(state.step);
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(folder));
  // First, so that a full disk finds the room that is there.
  SLIMREEL_RETURN_IF_ERROR(PruneCheckpoints(folder, request.keep));
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFolder> published,
                            AtomicFolder::Create(absl::StrCat(folder, "/", name)));
  state.files.clear();
  state.environment = CurrentEnvironment(request.device);
  SLIMREEL_RETURN_IF_ERROR(WriteFiles(published->aside(), request, state));
  SLIMREEL_RETURN_IF_ERROR(published->Commit());
  SLIMREEL_RETURN_IF_ERROR(PointTo(folder, "latest", name));
  if (state.best_step == state.step) SLIMREEL_RETURN_IF_ERROR(PointTo(folder, "best", name));
  return PruneCheckpoints(folder, request.keep);
}

absl::Status RestoreTensors(const std::string& path, const Model& model, Optimizer* optimizer) {
  const LoadOptions strict{.convert_type = false};
  SLIMREEL_RETURN_IF_ERROR(
      LoadInto(ModelTensors(model), absl::StrCat(path, "/", kModelFile), strict).status());
  if (optimizer == nullptr) return absl::OkStatus();
  return LoadInto(optimizer->State(), absl::StrCat(path, "/", kOptimizerFile), strict).status();
}

}  // namespace slimreel
