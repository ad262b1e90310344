#include "models/factory/factory.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"
#include "models/losses/cross_entropy.h"
#include "models/rgb/input_stage.h"
#include "models/rgb/r3d.h"
#include "models/rgb/video_vit.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

// Normalisation that the published weights of a family expect.
struct PixelStatistics {
  std::array<float, 3> mean;
  std::array<float, 3> std;
};
constexpr PixelStatistics kKinetics{{0.43216f, 0.394666f, 0.37645f},
                                    {0.22803f, 0.22145f, 0.216989f}};
constexpr PixelStatistics kImageNet{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

absl::StatusOr<Stages> MakeR3d(const R3dConfig& config, const ModelSpec& spec) {
  // Halved four or five times, 32 pixels leave the last BatchNorm more than one value a channel.
  if (spec.height < 32 || spec.width < 32) {
    return absl::InvalidArgumentError(absl::StrCat("model ", spec.name,
                                                   " takes images from 32x32 up, not ", spec.height,
                                                   "x", spec.width, " (data.img_size)"));
  }
  if (spec.drop_path > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model ", spec.name, " has no drop-path: leave model.drop_path out or set it to 0, not ",
        spec.drop_path));
  }
  return MakeR3dStages(config, spec);
}

absl::StatusOr<Stages> MakeVideoVit(const VideoVitConfig& config, const ModelSpec& spec) {
  if (spec.num_frames % config.tubelet != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", spec.name, " takes a number of frames that is a multiple of ",
                     config.tubelet, ", not ", spec.num_frames, " (data.num_frames)"));
  }
  if (spec.height % config.patch != 0 || spec.width % config.patch != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", spec.name, " takes image sizes that are multiples of ", config.patch,
                     ", not ", spec.height, "x", spec.width, " (data.img_size)"));
  }
  return MakeVideoVitStages(config, spec);
}

struct Builder {
  ModelEntry entry;
  PixelStatistics pixels;
  absl::StatusOr<Stages> (*make)(const ModelSpec& spec);
};

const std::vector<Builder>& Builders() {
  static const auto* const builders = new std::vector<Builder>{
      {{"r3d_nano", "rgb", "3-D residual network for demos and tests"},
       kKinetics,
       [](const ModelSpec& spec) { return MakeR3d(R3dNano(), spec); }},
      {{"r3d_18", "rgb", "3-D residual network of 18 layers, as torchvision's"},
       kKinetics,
       [](const ModelSpec& spec) { return MakeR3d(R3d18(), spec); }},
      {{"video_vit_nano", "rgb", "video transformer for demos and tests"},
       kImageNet,
       [](const ModelSpec& spec) { return MakeVideoVit(VideoVitNano(), spec); }},
      {{"video_vit_small", "rgb", "video transformer S, as Hugging Face's VideoMAE"},
       kImageNet,
       [](const ModelSpec& spec) { return MakeVideoVit(VideoVitSmall(), spec); }},
  };
  return *builders;
}

absl::StatusOr<const Builder*> FindBuilder(const std::string& name) {
  std::vector<std::string> known;
  for (const Builder& builder : Builders()) {
    if (name == builder.entry.name) return &builder;
    known.push_back(builder.entry.name);
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

}  // namespace

const std::vector<ModelEntry>& ModelTable() {
  static const auto* const table = [] {
    auto* entries = new std::vector<ModelEntry>;
    for (const Builder& builder : Builders()) entries->push_back(builder.entry);
    return entries;
  }();
  return *table;
}

absl::StatusOr<std::unique_ptr<Model>> BuildModel(const ModelSpec& spec) {
  SLIMREEL_ASSIGN_OR_RETURN(const Builder* builder, FindBuilder(spec.name));
  SLIMREEL_RETURN_IF_ERROR(CheckSpec(spec));
  SLIMREEL_ASSIGN_OR_RETURN(Stages stages, builder->make(spec));
  auto model = std::make_unique<Model>();
  model->name = spec.name;
  model->input = {spec.num_frames, spec.height, spec.width, builder->pixels.mean,
                  builder->pixels.std};
  model->num_classes = spec.num_classes;
  model->stages.push_back(
      std::make_unique<InputStage>(builder->pixels.mean, builder->pixels.std, spec.dtype));
  for (std::unique_ptr<Stage>& stage : stages) model->stages.push_back(std::move(stage));
  model->loss = std::make_unique<CrossEntropy>(spec.label_smoothing, spec.class_weights);
  return model;
}

}  // namespace slimreel
