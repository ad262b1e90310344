#include "data/pipeline/prepare_options.h"

#include <gtest/gtest.h>

#include <string>

namespace slimreel {
namespace {

PrepareOptions ValidOptions() {
  PrepareOptions options;
  options.inputs = {"clips"};
  options.output = "shards";
  return options;
}

void ExpectRefused(const PrepareOptions& options, absl::StatusCode code, const std::string& word) {
  const absl::Status status = options.Validate();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_NE(status.message().find(word), absl::string_view::npos) << status;
}

TEST(PrepareOptionsTest, InputsAndAnOutputAreEnough) {
  EXPECT_TRUE(ValidOptions().Validate().ok()) << ValidOptions().Validate();
}

TEST(PrepareOptionsTest, AMissingInputOutputOrSplitIsNamed) {
  PrepareOptions options = ValidOptions();
  options.inputs.clear();
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "--input");
  options = ValidOptions();
  options.output.clear();
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "--output");
  options = ValidOptions();
  options.split = "training";
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "--split=training");
}

TEST(PrepareOptionsTest, SamplesWithoutFramesAndKeypointsAreRefused) {
  PrepareOptions options = ValidOptions();
  options.data.load_rgb = false;
  EXPECT_TRUE(options.Validate().ok()) << options.Validate();
  options.data.load_kpt = false;
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "data.load_kpt");
}

TEST(PrepareOptionsTest, AQualityThresholdNeedsFrames) {
  PrepareOptions options = ValidOptions();
  options.data.quality_threshold = 0.3;
  EXPECT_TRUE(options.Validate().ok()) << options.Validate();
  options.data.load_rgb = false;
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "data.quality_threshold");
}

TEST(PrepareOptionsTest, AFrameRateIsNotYetAvailable) {
  PrepareOptions options = ValidOptions();
  options.data.fps = 10;
  ExpectRefused(options, absl::StatusCode::kUnimplemented, "data.fps");
}

}  // namespace
}  // namespace slimreel
