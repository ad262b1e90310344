#include "models/factory/factory.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"
#include "memory/tracking/memory_tag.h"
#include "models/factory/pose_models.h"
#include "models/factory/rgb_models.h"
#include "models/factory/speech_models.h"

namespace slimreel {
namespace {

struct Row {
  ModelEntry entry;
  ModelBuilder build;
  bool pools_frames = false;  // sees each frame separately, then pools over time
};

const std::vector<Row>& Rows() {
  using F = ModelFamily;
  // clang-format off
  static const auto* const rows = new std::vector<Row>{
      {{"r3d_nano", F::kRgb, "3-D residual network for demos and tests"}, R3dNanoModel},
      {{"r3d_18", F::kRgb, "3-D residual network of 18 layers, as torchvision's"}, R3d18Model},
      {{"mc3_18", F::kRgb, "3-D layer first, then convolutions of frames, as torchvision's"}, Mc3R18Model},
      {{"r2plus1d_18", F::kRgb, "convolutions factorised into space and time, as torchvision's"}, R2Plus1dR18Model},
      {{"resnet18", F::kRgb, "per frame and pooled over time, as torchvision's"}, ResNet18Model, true},
      {{"resnet50", F::kRgb, "per frame and pooled over time, as torchvision's"}, ResNet50Model, true},
      {{"slowonly_r50", F::kRgb, "SlowOnly of 50 layers, as mmaction2's"}, SlowOnlyR50Model},
      {{"video_vit_nano", F::kRgb, "video transformer for demos and tests"}, VideoVitNanoModel},
      {{"video_vit_tiny", F::kRgb, "video transformer of 192 features"}, VideoVitTinyModel},
      {{"video_vit_small", F::kRgb, "video transformer S, as Hugging Face's VideoMAE"}, VideoVitSmallModel},
      {{"video_vit_base", F::kRgb, "video transformer B, as Hugging Face's VideoMAE"}, VideoVitBaseModel},
      {{"timesformer_base", F::kRgb, "divided space-time attention, as Hugging Face's TimeSformer"}, TimesformerBaseModel},
      {{"posec3d_nano", F::kPose, "heatmaps of joints, for demos and tests"}, PoseC3dNanoModel},
      {{"posec3d", F::kPose, "SlowOnly over heatmaps of joints, as mmaction2's PoseC3D"}, PoseC3dModel},
      {{"posec3d_pose_only", F::kPose, "the same without temporal stride, as RGBPoseConv3D's pose_only"}, PoseC3dPoseOnlyModel},
      {{"rgbposeconv3d_nano", F::kRgbPose, "two streams with laterals, for demos and tests"}, RgbPoseConv3dNanoModel},
      {{"rgbposeconv3d", F::kRgbPose, "two streams with laterals, as mmaction2's RGBPoseConv3D"}, RgbPoseConv3dModel},
      {{"whisper_nano", F::kSpeech, "speech recogniser for demos and tests"}, WhisperNanoModel},
      {{"whisper_tiny", F::kSpeech, "Whisper tiny, as Hugging Face's"}, WhisperTinyModel},
      {{"whisper_base", F::kSpeech, "Whisper base"}, WhisperBaseModel},
      {{"whisper_small", F::kSpeech, "Whisper small"}, WhisperSmallModel},
      {{"whisper_medium", F::kSpeech, "Whisper medium"}, WhisperMediumModel},
      {{"whisper_large_v2", F::kSpeech, "Whisper large-v2"}, WhisperLargeV2Model},
      {{"whisper_large_v3", F::kSpeech, "Whisper large-v3: 128 mels, one language more"}, WhisperLargeV3Model},
      {{"whisper_turbo", F::kSpeech, "Whisper large-v3 with 4 decoder layers"}, WhisperTurboModel},
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
  return absl::InvalidArgumentError(absl::StrCat(key, " must be in [0, 1), not ", value));
}

absl::Status CheckSpec(const ModelSpec& spec) {
  if (spec.num_classes < 1 || spec.num_frames < 1 || spec.height < 1 || spec.width < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model ", spec.name, " takes at least one class, frame and pixel, not ", spec.num_classes,
        " classes of ", spec.num_frames, "x", spec.height, "x", spec.width));
  }
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("model.dropout", spec.dropout.value_or(0.0)));
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("model.drop_path", spec.drop_path.value_or(0.0)));
  SLIMREEL_RETURN_IF_ERROR(CheckProbability("train.label_smoothing", spec.label_smoothing));
  if (spec.label_smoothing < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("train.label_smoothing must be in [0, 1), not ", spec.label_smoothing));
  }
  if (!spec.class_weights.empty() &&
      static_cast<int64_t>(spec.class_weights.size()) != spec.num_classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("train.class_weights has ", spec.class_weights.size(), " numbers for ",
                     spec.num_classes, " classes; give one per class"));
  }
  for (double weight : spec.class_weights) {
    if (!(weight >= 0)) return absl::InvalidArgumentError("train.class_weights must be 0 or more");
  }
  if (spec.dtype != at::kFloat && spec.dtype != at::kDouble) {
    return absl::InvalidArgumentError("the dtype of a model must be float32 or float64");
  }
  return absl::OkStatus();
}

// Refuses options that the model would ignore.
absl::Status CheckFamilyOptions(const Row& row, const ModelSpec& spec) {
  const bool two_streams = row.entry.family == ModelFamily::kRgbPose;
  const char* const family = FamilyName(row.entry.family);
  if (spec.fusion != StreamFusion::kLateral && !two_streams) {
    return absl::InvalidArgumentError(absl::StrCat("model.fusion is for RGB+pose models; ",
                                                   spec.name, " (", family, ") has one stream"));
  }
  if (spec.loss_weights != ModelSpec().loss_weights && !two_streams) {
    return absl::InvalidArgumentError(absl::StrCat("model.loss_weights are for RGB+pose models; ",
                                                   spec.name, " (", family, ") has one loss"));
  }
  if (spec.temporal_pooling != TemporalPooling::kMean && !row.pools_frames) {
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

std::optional<ModelFamily> FamilyOf(const std::string& name) {
  for (const Row& row : Rows()) {
    if (name == row.entry.name) return row.entry.family;
  }
  return std::nullopt;
}

ModelResult BuildModel(const ModelSpec& spec) {
  SLIMREEL_ASSIGN_OR_RETURN(const Row* row, FindRow(spec.name));
  SLIMREEL_RETURN_IF_ERROR(CheckSpec(spec));
  SLIMREEL_RETURN_IF_ERROR(CheckFamilyOptions(*row, spec));
  const TagScope scope(MemoryTag::kParameters);
  return row->build(spec);
}

}  // namespace slimreel
