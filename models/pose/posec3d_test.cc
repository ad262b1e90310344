#include "models/pose/posec3d.h"

#include <gtest/gtest.h>

#include "models/losses/cross_entropy.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

std::vector<std::unique_ptr<Stage>> SmallPoseC3d() {
  InflatedResNetConfig config = PoseC3d(5);
  config.base = 4;
  config.layers[0].blocks = 2;
  config.layers[1].blocks = 1;
  config.layers[2].blocks = 2;
  return MakeInflatedResNetStages(config, {.num_classes = 5, .dropout = 0.0},
                                  {.dtype = at::kDouble});
}

TEST(PoseC3dTest, EqualsTheReference) {
  const nlohmann::json fixture = ReadFixture("models/pose/testdata/posec3d.json");
  for (const bool lean : {false, true}) {
    for (const char* mode : {"train", "eval"}) {
      SCOPED_TRACE(testing::Message() << mode << " lean " << lean);
      CrossEntropy loss(fixture["label_smoothing"], fixture["class_weights"]);
      const auto stages = SmallPoseC3d();
      ExpectParity({fixture, stages, loss}, mode, 1e-11, lean);
    }
  }
}

}  // namespace
}  // namespace slimreel
