#include "models/pose/posec3d.h"

namespace slimreel {
namespace {

InflatedResNetConfig OverHeatmaps(int64_t num_keypoints, int64_t base) {
  InflatedResNetConfig config;
  config.in_channels = num_keypoints;
  config.base_channels = base;
  config.stem_stride = 1;  // heatmaps are already small
  config.pool_stride = 1;
  return config;
}

}  // namespace

InflatedResNetConfig PosePath(int64_t num_keypoints) {
  InflatedResNetConfig config = OverHeatmaps(num_keypoints, 32);
  config.layers = {{4, false, 2, 1}, {6, true, 2, 1}, {3, true, 2, 1}};
  return config;
}

InflatedResNetConfig PoseC3d(int64_t num_keypoints) {
  InflatedResNetConfig config = PosePath(num_keypoints);
  config.layers[2].temporal_stride = 2;
  return config;
}

InflatedResNetConfig PoseC3dNano(int64_t num_keypoints) {
  InflatedResNetConfig config = OverHeatmaps(num_keypoints, 8);
  config.layers = {{1, false, 2, 1}, {1, true, 2, 1}, {1, true, 2, 2}};
  return config;
}

}  // namespace slimreel
