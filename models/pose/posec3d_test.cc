#include "models/pose/posec3d.h"

#include <gtest/gtest.h>

#include "models/losses/cross_entropy.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

std::vector<std::unique_ptr<Stage>> SmallPoseC3d(at::ScalarType dtype) {
  InflatedResNetConfig config = PoseC3d(5);
  config.base_channels = 4;
  config.layers[0].blocks = 2;
  config.layers[1].blocks = 1;
  config.layers[2].blocks = 2;
  return MakeInflatedResNetStages(
      config, {.num_classes = 5, .dropout = 0.0, .parameters = {.dtype = dtype}});
}

TEST(PoseC3dTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectParity(
      "models/pose/testdata/posec3d.json", [](const nlohmann::json& fixture, at::ScalarType dtype) {
        return ParityChain{SmallPoseC3d(dtype),
                           std::make_unique<CrossEntropy>(fixture["label_smoothing"].get<double>(),
                                                          fixture["class_weights"])};
      });
}

}  // namespace
}  // namespace slimreel
