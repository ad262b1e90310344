#include "trainer/checkpoint/checkpoint.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/memory_phase.h"
#include "models/weights/weights.h"
#include "trainer/checkpoint/best.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {
namespace {

// The content of model.safetensors: parameters and buffers under their reference keys.
std::vector<NamedTensor> ModelTensors(const Model& model) {
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  return tensors;
}

absl::Status WriteFiles(const std::string& folder, const SaveRequest& request, TrainState& state) {
  SLIMREEL_RETURN_IF_ERROR(SaveWeights(absl::StrCat(folder, "/", kModelFile),
                                       ModelTensors(*request.model),
                                       {{"format", "pt"}, {"model", request.model->name}}));
  SLIMREEL_RETURN_IF_ERROR(
      SaveWeights(absl::StrCat(folder, "/", kOptimizerFile), request.optimizer->State()));
  SLIMREEL_RETURN_IF_ERROR(
      WriteFileAtomically(absl::StrCat(folder, "/", kConfigFile), request.config));
  for (const char* name : {kModelFile, kOptimizerFile, kConfigFile}) {
    SLIMREEL_ASSIGN_OR_RETURN(state.files[name], FingerprintFile(absl::StrCat(folder, "/", name)));
  }
  if (state.best_step == state.step) state.best_model = state.files[kModelFile];
  return WriteFileAtomically(absl::StrCat(folder, "/", kStateFile), StateToJson(state));
}

// Adds a line about the optimizer state under `names` ("fc.weight.exp_avg") that names its
// parameters.
void NoteState(absl::string_view what, const std::vector<std::string>& names,
               std::vector<std::string>* notes) {
  constexpr size_t kShown = 4;
  std::vector<std::string> parameters;
  for (const std::string& name : names) {
    std::string parameter = name.substr(0, name.rfind('.'));
    if (!absl::c_linear_search(parameters, parameter)) parameters.push_back(std::move(parameter));
  }
  if (parameters.empty()) return;
  const size_t count = parameters.size();
  if (count > kShown) parameters.resize(kShown);
  const std::string in_all = count > kShown ? absl::StrCat(", ... (", count, " in all)") : "";
  notes->push_back(
      absl::StrCat("optimizer state that ", what, ": ", absl::StrJoin(parameters, ", "), in_all));
}

// The run may have diverged. Loading goes on: the user decides what the weights are worth.
void WarnNotFinite(const std::string& path, absl::string_view file, const LoadReport& report) {
  if (report.not_finite.empty()) return;
  LOG(WARNING) << path << "/" << file << ": " << report.not_finite.size()
               << " tensors hold NaN or infinity, the first one is " << report.not_finite.front()
               << "; the run diverged before this save, so try an older checkpoint";
}

}  // namespace

RunEnvironment CurrentEnvironment(const std::string& device) {
  return {.threads = at::get_num_threads(),
          .instruction_set = at::get_cpu_capability(),
          .torch_version = TORCH_VERSION,
          .device = device};
}

absl::StatusOr<TrainState> PublishCheckpoint(const SaveRequest& request, TrainState state) {
  const std::string folder = absl::StrCat(request.run_dir, "/checkpoints");
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(folder));
  SLIMREEL_ASSIGN_OR_RETURN(
      const std::unique_ptr<AtomicFolder> published,
      AtomicFolder::Create(absl::StrCat(folder, "/", CheckpointName(state.step))));
  state.files.clear();
  state.environment = CurrentEnvironment(request.device);
  SLIMREEL_RETURN_IF_ERROR(WriteFiles(published->aside(), request, state));
  SLIMREEL_RETURN_IF_ERROR(published->Commit());
  return state;
}

namespace {

absl::StatusOr<TrainState> PruneAndPublish(const SaveRequest& request, TrainState state) {
  const std::string folder = absl::StrCat(request.run_dir, "/checkpoints");
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(folder));
  // Prunes first, because the disk may be full.
  SLIMREEL_RETURN_IF_ERROR(PruneCheckpoints(folder, request.keep, state));
  SLIMREEL_ASSIGN_OR_RETURN(state, PublishCheckpoint(request, std::move(state)));
  SLIMREEL_RETURN_IF_ERROR(PointLinks(folder));
  SLIMREEL_RETURN_IF_ERROR(PruneCheckpoints(folder, request.keep, state));
  return state;
}

}  // namespace

absl::StatusOr<TrainState> SaveCheckpoint(const SaveRequest& request, const TrainState& state) {
  const PhaseScope phase(MemoryPhase::kSave);
  absl::StatusOr<TrainState> stored;
  const auto save = [&] { stored = PruneAndPublish(request, state); };
  // Each part of a save may be done again. Between the attempts, kept blocks are given back.
  if (FitsInMemory(save) || FitsInMemory(save)) return stored;
  return NothingFitsError(absl::StrCat("memory ran out twice while ", request.run_dir,
                                       "/checkpoints/", CheckpointName(state.step),
                                       " was written; the checkpoints before it are intact"));
}

absl::StatusOr<std::vector<std::string>> RestoreTensors(const std::string& path, const Model& model,
                                                        Optimizer* optimizer, RestoreMode mode) {
  const bool changed = mode == RestoreMode::kChanged;
  SLIMREEL_ASSIGN_OR_RETURN(const LoadReport weights,
                            LoadInto(ModelTensors(model), absl::StrCat(path, "/", kModelFile),
                                     {.convert_type = changed, .common_only = false}));
  WarnNotFinite(path, kModelFile, weights);
  if (optimizer == nullptr) return std::vector<std::string>();
  SLIMREEL_ASSIGN_OR_RETURN(const LoadReport report,
                            LoadInto(optimizer->State(), absl::StrCat(path, "/", kOptimizerFile),
                                     {.convert_type = changed, .common_only = changed}));
  WarnNotFinite(path, kOptimizerFile, report);
  std::vector<std::string> notes;
  NoteState("starts anew", report.absent, &notes);
  NoteState("is dropped", report.unused, &notes);
  return notes;
}

}  // namespace slimreel
