#include "trainer/setup/run_options.h"

#include <gtest/gtest.h>

#include <tuple>

namespace slimreel {
namespace {

Model TwoStreams() {
  Model model;
  model.name = "two_streams";
  model.inputs = {{InputKind::kFrames, {3, 8, 64, 80}}, {InputKind::kKeypoints, {2, 32, 17, 3}}};
  return model;
}

TEST(RunOptionsTest, LoadersMakeWhatTheModelsSlotsHold) {
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

TEST(RunOptionsTest, WhatNoSlotHoldsIsNotRead) {
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

TEST(RunOptionsTest, LeavingOutWhatTheModelReadsIsRefusedNamingTheKey) {
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

TEST(RunOptionsTest, HeatmapsHaveOneSizeForModelAndLoader) {
  Config config;
  config.model.name = "posec3d";
  LoaderOptions options;
  EXPECT_EQ(HeatmapSize(config), 56);
  config.data.heatmap.size = 48;
  ASSERT_TRUE(RequestInputs(config, TwoStreams(), &options).ok());
  EXPECT_EQ(options.keypoints.heatmap_size, 48);
  EXPECT_EQ(MakeModelSpec(config, 2).heatmap_size, 48);
}

TEST(RunOptionsTest, ADeviceThatIsNotThereIsRefusedNamingThoseThatAre) {
  EXPECT_EQ(ResolveDevice("auto", 0)->str(), "cpu");
  EXPECT_EQ(ResolveDevice("auto", 2)->str(), "cuda:0");
  EXPECT_EQ(ResolveDevice("cpu", 2)->str(), "cpu");
  EXPECT_EQ(ResolveDevice("cuda", 2)->str(), "cuda:0");
  EXPECT_EQ(ResolveDevice("cuda:1", 2)->str(), "cuda:1");
  const std::tuple<const char*, int64_t, const char*> kRefused[] = {
      {"cuda:7", 1, "finds 1 CUDA device(s); allowed here are auto, cpu, cuda:0"},
      {"cuda:2", 2, "allowed here are auto, cpu, cuda:0, cuda:1"},
      {"cuda:200", 1, "cuda:0"},
      {"cuda:0", 0, "finds no CUDA device; allowed here are auto, cpu"},
      {"cuda", 0, "finds no CUDA device"},
      {"cuda:-1", 1, "trainer.device is \"cuda:-1\"; allowed is auto | cpu | cuda | cuda:i"},
      {"cuda:x", 1, "allowed is"},
      {"cuda:1x", 2, "allowed is"},
      {"cuda: 1", 2, "allowed is"},
      {"cuda:", 1, "allowed is"}};
  for (const auto& [device, count, words] : kRefused) {
    const absl::Status status = ResolveDevice(device, count).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << device << status;
    EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
  }
}

TEST(RunOptionsTest, ContradictingCheckpointKeysAreRefused) {
  Config config;
  EXPECT_EQ(*MakeStageModes(config, 2), std::vector<StageMode>(2, StageMode::kKeep));
  config.model.use_gradient_checkpointing = true;
  EXPECT_EQ(*MakeStageModes(config, 2), std::vector<StageMode>(2, StageMode::kCheckpoint));
  for (const char* schedule : {"keep", "lean", "every:2"}) {
    config.memory.schedule = schedule;
    EXPECT_TRUE(absl::IsInvalidArgument(MakeStageModes(config, 2).status())) << schedule;
  }
  config.model.use_gradient_checkpointing = false;
  EXPECT_FALSE(MakeStageModes(config, 2).ok()) << "every:2";
  config.memory.schedule = "lean";
  EXPECT_TRUE(MakeStageModes(config, 2).ok());
}

TEST(RunOptionsTest, PredictBoundsAPictureByTheHostBudgetOrByWhatIsFree) {
  constexpr int64_t kGiB = int64_t{1} << 30;
  HostMemory host;
  host.limits = {{"physical memory", "/proc/meminfo", 16 * kGiB, 8 * kGiB}};
  host.available_bytes = 8 * kGiB;
  Config config;
  EXPECT_EQ(MakePredictOptions(config, {}, host, at::kCPU).max_decoded_frame_bytes, kGiB / 2);
  config.memory.host_budget = ByteSpec{kGiB, 0.0};
  EXPECT_EQ(MakePredictOptions(config, {}, host, at::kCPU).max_decoded_frame_bytes, kGiB / 4);
}

}  // namespace
}  // namespace slimreel
