#include "trainer/setup/model_setup.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "models/factory/factory.h"
#include "models/weights/pretrained.h"
#include "trainer/optim/param_groups.h"
#include "trainer/setup/run_options.h"

namespace slimreel {
namespace {

absl::Status StartFrom(const std::string& paths, const Model& model) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<WeightFiles> files, OpenPretrained(paths));
  SLIMREEL_ASSIGN_OR_RETURN(const PretrainedReport report, LoadPretrained(model, files));
  for (const std::string& note : report.notes) LOG(INFO) << paths << ": " << note;
  LOG(INFO) << paths << ": " << report.loaded << " tensors loaded";
  return absl::OkStatus();
}

}  // namespace

bool HasBatchNorm(const Model& model) {
  for (const NamedTensor& buffer : Buffers(model)) {
    if (absl::EndsWith(buffer.name, "running_mean")) return true;
  }
  return false;
}

void MoveTo(const Model& model, at::Device device) {
  if (device.is_cpu()) return;
  for (const auto& list : {Parameters(model), Buffers(model)}) {
    for (NamedTensor named : list) named.tensor.set_data(named.tensor.to(device));
  }
}

absl::StatusOr<std::unique_ptr<Model>> SetUpModel(const Config& config, int64_t num_classes,
                                                  at::Device device, bool load_weights) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model,
                            BuildModel(MakeModelSpec(config, num_classes)));
  MoveTo(*model, device);
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t frozen,
                            FreezeParameters(Parameters(*model), config.model.freeze));
  if (frozen > 0) {
    LOG(INFO) << frozen << " tensors are frozen; BatchNorm in there still follows the data "
              << "(model.norm_group: frozen stops that everywhere)";
  }
  if (load_weights && !config.model.weights.empty()) {
    SLIMREEL_RETURN_IF_ERROR(StartFrom(config.model.weights, *model));
  }
  return model;
}

}  // namespace slimreel
