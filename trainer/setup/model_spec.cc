#include "trainer/setup/model_spec.h"

#include <cmath>

#include "models/factory/factory.h"
#include "trainer/setup/precision.h"

namespace slimreel {

int64_t HeatmapSize(const Config& config) {
  if (config.data.heatmap.size.has_value()) return *config.data.heatmap.size;
  if (FamilyOf(config.model.name) == ModelFamily::kRgbPose)
    return config.data.img_height / kPixelsPerHeatmap;
  return kHeatmapSize;
}

bool IsSpeechModel(const Config& config) {
  return FamilyOf(config.model.name) == ModelFamily::kSpeech;
}

ModelSpec MakeModelSpec(const Config& config, std::optional<int64_t> num_classes) {
  ModelSpec spec;
  spec.name = config.model.name;
  if (num_classes) spec.num_classes = *num_classes;
  spec.num_frames = config.data.num_frames;
  spec.height = config.data.img_height;
  spec.width = config.data.img_width;
  spec.heatmap_size = HeatmapSize(config);
  spec.heatmap_sigma = config.data.heatmap.sigma;
  constexpr double kSpectrogramFramesPerSecond = 100.0;
  spec.audio_frames = std::lround(config.data.audio.window_seconds * kSpectrogramFramesPerSecond);
  spec.temporal_pooling = config.model.temporal_pooling;
  spec.fusion = config.model.fusion;
  spec.loss_weights = config.model.loss_weights;
  spec.dropout = config.model.dropout;
  spec.drop_path = config.model.drop_path;
  spec.label_smoothing = config.train.label_smoothing;
  spec.class_weights = config.train.class_weights;
  spec.seed = static_cast<uint64_t>(config.seed);
  spec.dtype = ParameterDtype(config.trainer.precision);
  return spec;
}

}  // namespace slimreel
