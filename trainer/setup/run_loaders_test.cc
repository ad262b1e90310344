#include "trainer/setup/run_loaders.h"

#include <gtest/gtest.h>

#include "trainer/setup/model_spec.h"

namespace slimreel {
namespace {

Model TwoStreams() {
  Model model;
  model.name = "two_streams";
  model.inputs = {{InputKind::kFrames, {3, 8, 64, 80}}, {InputKind::kKeypoints, {2, 32, 17, 3}}};
  return model;
}

TEST(RunLoadersTest, LoadersMakeWhatTheModelsSlotsHold) {
  LoaderOptions options;
  ASSERT_TRUE(RequestInputs(Config(), TwoStreams(), &options).ok());
  EXPECT_TRUE(options.frames);
  EXPECT_EQ(options.num_frames, 8);
  EXPECT_EQ(options.height, 64);
  EXPECT_EQ(options.width, 80);
  EXPECT_EQ(options.keypoints.persons, 2);
  EXPECT_EQ(options.keypoints.frames, 32);
  EXPECT_EQ(options.keypoints.joints, 17);
  EXPECT_EQ(options.log_mel.mels, 0);
  EXPECT_EQ(options.tokens.length, 0);
}

TEST(RunLoadersTest, WhatNoSlotHoldsIsNotRead) {
  Model speech;
  speech.num_classes = 51865;
  speech.inputs = {{InputKind::kLogMel, {80, 3000}}, {InputKind::kTokens, {448}}};
  LoaderOptions options;
  ASSERT_TRUE(RequestInputs(Config(), speech, &options).ok());
  EXPECT_FALSE(options.frames);
  EXPECT_EQ(options.keypoints.persons, 0);
  EXPECT_EQ(options.log_mel.mels, 80);
  EXPECT_EQ(options.log_mel.frames, 3000);
  EXPECT_EQ(options.tokens.length, 448);
  EXPECT_EQ(options.tokens.vocabulary, 51865);
}

TEST(RunLoadersTest, SwitchingOffWhatTheModelReadsIsRefusedWithTheKey) {
  LoaderOptions options;
  Config config;
  config.data.load_kpt = false;
  const absl::Status keypoints = RequestInputs(config, TwoStreams(), &options);
  ASSERT_TRUE(absl::IsInvalidArgument(keypoints));
  EXPECT_NE(keypoints.message().find("data.load_kpt is false, but two_streams reads keypoints"),
            absl::string_view::npos)
      << keypoints;
  config = Config();
  config.data.load_rgb = false;
  EXPECT_TRUE(absl::IsInvalidArgument(RequestInputs(config, TwoStreams(), &options)));
  config.data.load_rgb = true;
  config.data.load_audio = false;  // nothing reads it
  EXPECT_TRUE(RequestInputs(config, TwoStreams(), &options).ok());
}

TEST(RunLoadersTest, HeatmapsHaveOneSizeForModelAndLoader) {
  Config config;
  config.model.name = "posec3d";
  LoaderOptions options;
  EXPECT_EQ(HeatmapSize(config), 56);
  config.data.heatmap.size = 48;
  ASSERT_TRUE(RequestInputs(config, TwoStreams(), &options).ok());
  EXPECT_EQ(options.keypoints.heatmap_size, 48);
  EXPECT_EQ(MakeModelSpec(config, 2).heatmap_size, 48);
}

}  // namespace
}  // namespace slimreel
