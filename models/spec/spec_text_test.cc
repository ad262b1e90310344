#include "models/spec/spec_text.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace slimreel {
namespace {

TEST(SpecTextTest, EveryFieldThatDecidesWorkIsInTheText) {
  const std::vector<std::function<void(ModelSpec&)>> changes = {
      [](ModelSpec&) {},
      [](ModelSpec& s) { s.name = "r3d_18"; },
      [](ModelSpec& s) { s.num_classes = 3; },
      [](ModelSpec& s) { s.num_frames = 8; },
      [](ModelSpec& s) { s.height = 96; },
      [](ModelSpec& s) { s.width = 96; },
      [](ModelSpec& s) { s.num_persons = 1; },
      [](ModelSpec& s) { s.num_keypoints = 18; },
      [](ModelSpec& s) { s.heatmap_size = 48; },
      [](ModelSpec& s) { s.heatmap_sigma = 0.7; },
      [](ModelSpec& s) { s.temporal_pooling = TemporalPooling::kLstm; },
      [](ModelSpec& s) { s.fusion = StreamFusion::kCrossAttention; },
      [](ModelSpec& s) { s.audio_frames = 100; },
      [](ModelSpec& s) { s.text_tokens = 32; },
      [](ModelSpec& s) { s.dropout = 0.0; },
      [](ModelSpec& s) { s.dropout = 0.5; },
      [](ModelSpec& s) { s.drop_path = 0.0; },
      [](ModelSpec& s) { s.label_smoothing = 0.1; },
      [](ModelSpec& s) {
        s.class_weights = {1.0, 2.0};
      },
      [](ModelSpec& s) {
        s.loss_weights = {1.0, 0.0};
      },
      [](ModelSpec& s) { s.dtype = at::kDouble; },
      [](ModelSpec& s) { s.device = at::kMeta; }};
  std::set<std::string> texts;
  for (const auto& change : changes) {
    ModelSpec spec;
    change(spec);
    texts.insert(WorkOf(spec));
  }
  EXPECT_EQ(texts.size(), changes.size());
}

TEST(SpecTextTest, TheSeedDecidesOnlyValues) {
  ModelSpec spec;
  spec.seed = 7;
  EXPECT_EQ(WorkOf(spec), WorkOf(ModelSpec{}));
}

}  // namespace
}  // namespace slimreel
