#include "trainer/setup/model_setup.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/stage/become.h"
#include "models/factory/description.h"
#include "models/factory/factory.h"
#include "models/weights/pretrained.h"
#include "trainer/optim/param_groups.h"
#include "trainer/setup/model_spec.h"

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

absl::Status CheckNormGroup(const Model& model, int64_t smallest_group) {
  if (smallest_group != 1 || FewestNormValues(model) != 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "BatchNorm takes its statistics over groups of samples (model.norm_group). The smallest "
      "group has one sample (the last one of an epoch may be short). At ",
      model.clip.num_frames, " x ", model.clip.height, "x", model.clip.width, " pixels a norm of ",
      model.name,
      " sees one value a channel of one sample, which has no variance. Give larger images "
      "(data.img_size) or more frames "
      "(data.num_frames), a data.batch_size or trainer.limit_train_batches that leaves no single "
      "sample, a larger model.norm_group, or model.norm_group: frozen"));
}

void WarnUnused(const Config& config, const Model& model) {
  const auto reads = [&model](InputKind kind) {
    return absl::c_any_of(model.inputs,
                          [kind](const InputSlot& slot) { return slot.kind == kind; });
  };
  if (config.data.load_rgb.value_or(false) && !reads(InputKind::kFrames)) {
    LOG(WARNING) << "data.load_rgb is true, but " << model.name << " reads no frames";
  }
  if (config.data.load_kpt.value_or(false) && !reads(InputKind::kKeypoints)) {
    LOG(WARNING) << "data.load_kpt is true, but " << model.name << " reads no keypoints";
  }
  if (config.model.norm_group.kind != NormGroup::Kind::kMicroBatch && !HasBatchNorm(model)) {
    LOG(WARNING) << model.name << " has no BatchNorm: model.norm_group changes nothing";
  }
}

void MoveTo(const Model& model, at::Device device) {
  if (device.is_cpu()) return;
  for (const auto& list : {Parameters(model), Buffers(model), Constants(model)}) {
    for (const NamedTensor& named : list) Become(named.tensor, named.tensor.detach().to(device));
  }
}

absl::StatusOr<std::unique_ptr<Model>> SetUpModel(const Config& config,
                                                  std::optional<int64_t> num_classes,
                                                  at::Device device, bool load_weights) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model,
                            BuildModel(MakeModelSpec(config, num_classes)));
  MoveTo(*model, device);
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t frozen,
                            FreezeParameters(Parameters(*model), config.model.freeze));
  if (frozen > 0) {
    LOG(INFO) << frozen << " tensors are frozen; BatchNorm in frozen parts still follows the data "
              << "(model.norm_group: frozen stops that in the whole model)";
  }
  if (load_weights && !config.model.weights.empty()) {
    SLIMREEL_RETURN_IF_ERROR(StartFrom(config.model.weights, *model));
  }
  return model;
}

}  // namespace slimreel
