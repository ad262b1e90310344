#include "data/loading/loader_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace slimreel {
namespace {

using ::testing::HasSubstr;

LoaderOptions Sound() {
  LoaderOptions options;
  options.sources = {"shards"};
  return options;
}

std::string MessageOf(const std::function<void(LoaderOptions*)>& spoil) {
  LoaderOptions options = Sound();
  spoil(&options);
  const absl::Status status = options.Validate();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(LoaderOptionsTest, DefaultsWithASourceAreSound) {
  EXPECT_TRUE(Sound().Validate().ok()) << Sound().Validate();
}

TEST(LoaderOptionsTest, EveryMistakeNamesItsKeyAndWhatIsAllowed) {
  using Options = LoaderOptions;
  const std::pair<std::function<void(Options*)>, const char*> mistakes[] = {
      {[](Options* o) { o->sources.clear(); }, "set data.train or data.val"},
      {[](Options* o) { o->height = 0; }, "data.img_size (height) is 0; it must be at least 1"},
      {[](Options* o) { o->width = -1; }, "data.img_size (width) is -1"},
      {[](Options* o) { o->num_frames = 0; }, "data.num_frames is 0"},
      {[](Options* o) { o->frame_interval = 0; }, "data.frame_interval is 0"},
      {[](Options* o) { o->max_video_frames = 0; }, "data.max_video_frames is 0"},
      {[](Options* o) { o->num_clips = 0; }, "evaluation.num_clips is 0"},
      {[](Options* o) { o->batch_size = 0; }, "data.batch_size is 0"},
      {[](Options* o) { o->num_workers = -1; }, "dataloader.num_workers is -1"},
      {[](Options* o) { o->prefetch_batches = 0; }, "dataloader.prefetch_factor"},
      {[](Options* o) { o->keypoints = {.persons = 1, .frames = 0}; }, "keypoints need frames"},
      {[](Options* o) { o->keypoints = {.persons = 1, .heatmap_size = 0}; }, "data.heatmap.size"},
      {[](Options* o) { o->log_mel = {.mels = 80, .frames = 0}; }, "log-mel"},
      {[](Options* o) { o->tokens = {.length = 4, .vocabulary = 0}; }, "vocabulary"},
  };
  for (const auto& [spoil, expected] : mistakes) EXPECT_THAT(MessageOf(spoil), HasSubstr(expected));
}

TEST(LoaderOptionsTest, AllMistakesAreReportedAtOnce) {
  const std::string message = MessageOf([](LoaderOptions* options) {
    options->sources.clear();
    options->num_frames = 0;
    options->num_workers = -2;
  });
  EXPECT_THAT(message, HasSubstr("data.train"));
  EXPECT_THAT(message, HasSubstr("data.num_frames"));
  EXPECT_THAT(message, HasSubstr("dataloader.num_workers"));
}

TEST(LoaderOptionsTest, WithoutWorkersNothingIsPrefetched) {
  LoaderOptions options = Sound();
  options.num_workers = 0;
  options.prefetch_batches = 0;
  EXPECT_TRUE(options.Validate().ok()) << options.Validate();
}

TEST(LoaderOptionsTest, AFlipNeedsJointsWhoseSidesAreKnown) {
  LoaderOptions options = Sound();
  options.keypoints = {.persons = 1, .joints = 25};
  EXPECT_TRUE(options.Validate().ok()) << options.Validate();
  options.augment.flip = true;
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("17 COCO joints"));
  options.keypoints.joints = kCocoJoints;
  EXPECT_TRUE(options.Validate().ok()) << options.Validate();
}

TEST(LoaderOptionsTest, RefusesAugmentationsThatAreNotYetAvailable) {
  LoaderOptions options = Sound();
  options.augment.color_jitter = true;
  EXPECT_TRUE(absl::IsUnimplemented(options.Validate()));
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("data.augment.color_jitter"));
  options.augment = {.spec_augment = true};
  EXPECT_TRUE(absl::IsUnimplemented(options.Validate()));
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("data.augment.spec_augment"));
}

}  // namespace
}  // namespace slimreel
