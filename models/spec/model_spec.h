// What the configuration and the data say about a model. The builders read it.
#ifndef MODELS_SPEC_MODEL_SPEC_H_
#define MODELS_SPEC_MODEL_SPEC_H_

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/model_options.h"

namespace slimreel {

inline constexpr int64_t kHeatmapSize = 56;      // default height and width of pose heatmaps
inline constexpr int64_t kPixelsPerHeatmap = 4;  // RGB+pose: image pixels per heatmap pixel

struct ModelSpec {
  std::string name;
  int64_t num_classes = 2;
  int64_t num_frames = 16;
  int64_t height = 112;  // pixels of the clip
  int64_t width = 112;
  // For pose models. RGB+pose models take four heatmap frames per frame of the clip.
  int64_t num_persons = 2;     // persons whose keypoints are read
  int64_t num_keypoints = 17;  // joints of a person: channels of the heatmaps
  // Height and width. None: kHeatmapSize, or a quarter of the image for RGB+pose models.
  std::optional<int64_t> heatmap_size;
  double heatmap_sigma = 0.6;                                 // of the Gaussian, in heatmap pixels
  TemporalPooling temporal_pooling = TemporalPooling::kMean;  // per-frame backbones
  StreamFusion fusion = StreamFusion::kLateral;               // RGB+pose
  int64_t audio_frames = 3000;        // of the log-mel spectrogram, 10 ms each; even
  int64_t text_tokens = 448;          // tokens of a transcript
  std::optional<double> dropout;      // [0, 1); none: the reference's value
  std::optional<double> drop_path;    // [0, 1); none: the reference's value
  double label_smoothing = 0.0;       // [0, 1)
  std::vector<double> class_weights;  // empty: all 1; else one per class, >= 0
  // RGB+pose: weights of the two heads' losses; >= 0, not both 0
  std::array<double, 2> loss_weights{1.0, 1.0};
  uint64_t seed = 0;                  // an initial weight is a function of (seed, its key)
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble; parameters and activations
  // kMeta: parameters have shapes but no memory. This is enough to count and list them.
  at::DeviceType device = at::kCPU;
};

}  // namespace slimreel

#endif  // MODELS_SPEC_MODEL_SPEC_H_
