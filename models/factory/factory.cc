#include "models/factory/factory.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"
#include "models/factory/pose_models.h"
#include "models/factory/rgb_models.h"
#include "models/factory/speech_models.h"

namespace slimreel {
namespace {

struct Row {
  ModelEntry entry;
  ModelBuilder build;
};

const std::vector<Row>& Rows() {
  // clang-format off
  static const auto* const rows = new std::vector<Row>{
      {{"r3d_nano", "rgb", "3-D residual network for demos and tests"}, R3dNanoModel},
      {{"r3d_18", "rgb", "3-D residual network of 18 layers, as torchvision's"}, R3d18Model},
      {{"mc3_18", "rgb", "3-D layer first, then convolutions of frames, as torchvision's"}, Mc3R18Model},
      {{"r2plus1d_18", "rgb", "convolutions factorised into space and time, as torchvision's"}, R2Plus1dR18Model},
      {{"resnet18", "rgb", "per frame and pooled over time, as torchvision's"}, ResNet18Model},
      {{"resnet50", "rgb", "per frame and pooled over time, as torchvision's"}, ResNet50Model},
      {{"slowonly_r50", "rgb", "SlowOnly of 50 layers, as mmaction2's"}, SlowOnlyR50Model},
      {{"video_vit_nano", "rgb", "video transformer for demos and tests"}, VideoVitNanoModel},
      {{"video_vit_tiny", "rgb", "video transformer of 192 features"}, VideoVitTinyModel},
      {{"video_vit_small", "rgb", "video transformer S, as Hugging Face's VideoMAE"}, VideoVitSmallModel},
      {{"video_vit_base", "rgb", "video transformer B, as Hugging Face's VideoMAE"}, VideoVitBaseModel},
      {{"timesformer_base", "rgb", "divided space-time attention, as Hugging Face's TimeSformer"}, TimesformerBaseModel},
      {{"posec3d_nano", "pose", "heatmaps of joints, for demos and tests"}, PoseC3dNanoModel},
      {{"posec3d", "pose", "SlowOnly over heatmaps of joints, as mmaction2's PoseC3D"}, PoseC3dModel},
      {{"posec3d_pose_only", "pose", "the same without temporal stride, as RGBPoseConv3D's pose_only"}, PoseC3dPoseOnlyModel},
      {{"rgbposeconv3d_nano", "rgb+pose", "two streams with laterals, for demos and tests"}, RgbPoseConv3dNanoModel},
      {{"rgbposeconv3d", "rgb+pose", "two streams with laterals, as mmaction2's RGBPoseConv3D"}, RgbPoseConv3dModel},
      {{"whisper_nano", "speech", "speech recogniser for demos and tests"}, WhisperNanoModel},
      {{"whisper_tiny", "speech", "Whisper tiny, as Hugging Face's"}, WhisperTinyModel},
      {{"whisper_base", "speech", "Whisper base"}, WhisperBaseModel},
      {{"whisper_small", "speech", "Whisper small"}, WhisperSmallModel},
      {{"whisper_medium", "speech", "Whisper medium"}, WhisperMediumModel},
      {{"whisper_large_v2", "speech", "Whisper large-v2"}, WhisperLargeV2Model},
      {{"whisper_large_v3", "speech", "Whisper large-v3: 128 mels, one language more"}, WhisperLargeV3Model},
      {{"whisper_turbo", "speech", "Whisper large-v3 with 4 decoder layers"}, WhisperTurboModel},
  };
  // clang-format on
  return *rows;
}

absl::StatusOr<const Row*> FindRow(const std::string& name) {
  std::vector<std::string> known;
  for (const Row& row : Rows()) {
    if (name == row.entry.name) return &row;
    known.push_back(row.entry.name);
  }
  std::string all;
  for (const std::string& other : known) absl::StrAppend(&all, all.empty() ? "" : ", ", other);
  return absl::NotFoundError(absl::StrCat(
      "model.name: no model '", name, "'; nearest: ", NearestName(name, known), "; known: ", all));
}

absl::Status CheckProbability(const char* key, double value) {
  if (value < 1.0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(key, " is in [0, 1), not ", value));
}

absl::Status CheckSpec(const ModelSpec& spec) {
  if (spec.num_classes < 1 || spec.num_frames < 1 || spec.height < 1 || spec.width < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model ", spec.name, " takes at least one class, frame and pixel, not ", spec.num_classes,
        " classes of ", spec.num_frames, "x", spec.height, "x", spec.width));
  }
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("model.dropout", spec.dropout));
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("model.drop_path", spec.drop_path));
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("train.label_smoothing", spec.label_smoothing));
  if (spec.label_smoothing < 0) {
    return absl::InvalidArgumentError("train.label_smoothing is in [0, 1)");
  }
  if (!spec.class_weights.empty() &&
      static_cast<int64_t>(spec.class_weights.size()) != spec.num_classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("train.class_weights has ", spec.class_weights.size(), " numbers for ",
                     spec.num_classes, " classes; give one per class"));
  }
  for (double weight : spec.class_weights) {
    if (!(weight >= 0)) return absl::InvalidArgumentError("train.class_weights are >= 0");
  }
  if (spec.dtype != at::kFloat && spec.dtype != at::kDouble) {
    return absl::InvalidArgumentError("models are built in float32 or float64");
  }
  return absl::OkStatus();
}

// An option that the model would ignore is a mistake.
absl::Status CheckFamilyOptions(const ModelEntry& entry, const ModelSpec& spec) {
  const std::string family = entry.family;
  if (spec.fusion != StreamFusion::kLateral && family != "rgb+pose") {
    return absl::InvalidArgumentError(absl::StrCat("model.fusion is for RGB+pose models; ",
                                                   spec.name, " (", family, ") has one stream"));
  }
  if (spec.loss_weights != ModelSpec().loss_weights && family != "rgb+pose") {
    return absl::InvalidArgumentError(absl::StrCat("model.loss_weights are for RGB+pose models; ",
                                                   spec.name, " (", family, ") has one loss"));
  }
  const bool per_frame = spec.name.starts_with("resnet");
  if (spec.temporal_pooling != TemporalPooling::kMean && !per_frame) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.temporal_pooling is for resnet18 and resnet50, which see frames one by "
                     "one; ",
                     spec.name, " sees the clip"));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<ModelEntry>& ModelTable() {
  static const auto* const table = [] {
    auto* entries = new std::vector<ModelEntry>;
    for (const Row& row : Rows()) entries->push_back(row.entry);
    return entries;
  }();
  return *table;
}

ModelResult BuildModel(const ModelSpec& spec) {
  SLIMREEL_ASSIGN_OR_RETURN(const Row* row, FindRow(spec.name));
  SLIMREEL_RETURN_IF_ERROR(CheckSpec(spec));
  SLIMREEL_RETURN_IF_ERROR(CheckFamilyOptions(row->entry, spec));
  return row->build(spec);
}

}  // namespace slimreel
