// What the configuration and the data say of a model; read by the builders.
#ifndef MODELS_SPEC_MODEL_SPEC_H_
#define MODELS_SPEC_MODEL_SPEC_H_

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/model_options.h"

namespace slimreel {

inline constexpr int64_t kHeatmapSize = 56;      // of pose models: height and width
inline constexpr int64_t kPixelsPerHeatmap = 4;  // RGB+pose: the image's sides over the heatmaps'

struct ModelSpec {
  std::string name;
  int64_t num_classes = 2;
  int64_t num_frames = 16;
  int64_t height = 112;  // pixels of the clip
  int64_t width = 112;
  // Pose models; RGB+pose models take four heatmap frames per frame of the clip.
  int64_t num_persons = 2;     // of whom keypoints are read
  int64_t num_keypoints = 17;  // joints of a person: channels of the heatmaps
  int64_t heatmap_size = 0;    // height and width; 0: kHeatmapSize, RGB+pose: as the image asks
  double heatmap_sigma = 0.6;  // of the Gaussian, heatmap pixels
  TemporalPooling temporal_pooling = TemporalPooling::kMean;  // per-frame backbones
  StreamFusion fusion = StreamFusion::kLateral;               // RGB+pose
  int64_t audio_frames = 3000;        // of the log-mel spectrogram, 10 ms each; even
  int64_t text_tokens = 448;          // longest transcript of a batch
  double dropout = -1.0;              // [0, 1); < 0: the reference's
  double drop_path = -1.0;            // [0, 1); < 0: the reference's
  double label_smoothing = 0.0;       // [0, 1)
  std::vector<double> class_weights;  // empty: all 1; else one per class, >= 0
  // RGB+pose: of the heads' losses; >= 0, not both 0
  std::array<double, 2> loss_weights{1.0, 1.0};
  uint64_t seed = 0;                  // of the initial weights: a function of (seed, key)
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble; parameters and activations
  // kMeta: parameters have shapes but no memory, to count and list them.
  at::DeviceType device = at::kCPU;
};

}  // namespace slimreel

#endif  // MODELS_SPEC_MODEL_SPEC_H_
