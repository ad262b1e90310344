// Tests the loader below the tensors, also under the thread sanitizer: the content
// of batches, and that threads do not change it.
#include "data/loading/batch_builder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/stop_signal.h"
#include "data/loading/prefetch_queue.h"
#include "data/loading/synthetic_source.h"

namespace slimreel {
namespace {

// Writes the request into the pixels: sample, frame, top, left and flip at the start of each
// frame of channel 0.
class NotingSource : public ClipSource {
 public:
  NotingSource(int64_t num_samples, int64_t num_frames, FrameSize size)
      : num_samples_(num_samples), num_frames_(num_frames), size_(size) {
    for (int64_t i = 0; i < num_samples; ++i) videos_.push_back(absl::StrCat("video", i));
  }
  int64_t num_samples() const override { return num_samples_; }
  ClipInfo info(int64_t sample) const override { return {sample % 3, num_frames_, size_, sample}; }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<std::string>& videos() const override { return videos_; }
  absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const override {
    const int64_t pixels = request.crop.size.height * request.crop.size.width;
    for (size_t t = 0; t < request.frames.size(); ++t) {
      uint8_t* note = clip + t * pixels;
      note[0] = request.sample;
      note[1] = request.frames[t];
      note[2] = request.crop.top;
      note[3] = request.crop.left;
      note[4] = request.crop.flip;
    }
    return absl::OkStatus();
  }
  // Writes each pose frame as x, and follow_crop, random_window and flip as y.
  absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const override {
    for (const int64_t frame : request.pose.frames) {
      keypoints[0] = static_cast<float>(frame);
      keypoints[1] = static_cast<float>(request.pose.follow_crop + 2 * request.pose.random_window +
                                        4 * request.crop.flip);
      keypoints[2] = static_cast<float>(request.sample);
      keypoints += 3;
    }
    return absl::OkStatus();
  }
  absl::Status ReadLogMel(int64_t, float*) const override { return absl::OkStatus(); }
  absl::Status ReadTokens(int64_t, int64_t*, int64_t*) const override { return absl::OkStatus(); }

 private:
  const int64_t num_samples_;
  const int64_t num_frames_;
  const FrameSize size_;
  std::vector<std::string> classes_ = {"a", "b", "c"};
  std::vector<std::string> videos_;
};

LoaderOptions SmallOptions() {
  LoaderOptions options;
  options.sources = {"noted"};
  options.height = 4;
  options.width = 4;
  options.num_frames = 3;
  options.frame_interval = 2;
  options.batch_size = 4;
  options.seed = 5;
  return options;
}

std::unique_ptr<BatchBuilder> NotingBuilder(const LoaderOptions& options) {
  return *BatchBuilder::Create(options, std::make_unique<NotingSource>(10, 20, FrameSize{11, 9}));
}

TEST(BatchBuilderTest, ShortLastBatchHasWhatIsLeft) {
  const auto builder = NotingBuilder(SmallOptions());
  std::multiset<int64_t> samples;
  LoaderPosition position;
  for (const int64_t size : {4, 4, 2}) {
    const RawBatch batch = *builder->Build(position);
    EXPECT_EQ(static_cast<int64_t>(batch.samples.size()), size);
    EXPECT_EQ(batch.last_of_epoch, size == 2);
    EXPECT_EQ(batch.labels.size(), batch.samples.size());
    samples.insert(batch.samples.begin(), batch.samples.end());
    position = builder->Advance(position, 1);
  }
  EXPECT_EQ(samples, (std::multiset<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(position, (LoaderPosition{1, 0}));
}

TEST(BatchBuilderTest, AnotherBatchSizeGivesTheSameClips) {
  const auto builder = NotingBuilder(SmallOptions());
  const RawBatch four = *builder->Build({0, 4});
  const int64_t bytes_of_four = builder->layout().bytes;
  builder->SetBatchSize(3);
  const RawBatch three = *builder->Build({0, 4});
  EXPECT_EQ(three.samples, std::vector<int64_t>(four.samples.begin(), four.samples.begin() + 3));
  EXPECT_LT(builder->layout().bytes, bytes_of_four);
  EXPECT_EQ(builder->Advance({0, 4}, 1), (LoaderPosition{0, 7}));
  EXPECT_LT(builder->pool_bytes(), bytes_of_four) << "buffers of the new size only";
}

// In its own process, because the stop flag cannot be reset.
TEST(BatchBuilderDeathTest, AStopInterruptsABatch) {
  const auto builder = NotingBuilder(SmallOptions());
  EXPECT_EXIT(
      {
        RequestStop();
        _exit(absl::IsCancelled(builder->Build({0, 0}).status()) ? 75 : 1);
      },
      testing::ExitedWithCode(75), "");
}

TEST(BatchBuilderTest, AdvanceByManyEqualsManyAdvancesByOne) {
  const auto builder = NotingBuilder(SmallOptions());
  for (int64_t start = 0; start < 10; ++start) {
    LoaderPosition step{2, start};
    for (int64_t batches = 0; batches < 12; ++batches) {
      EXPECT_EQ(builder->Advance({2, start}, batches), step) << start << " " << batches;
      step = builder->Advance(step, 1);
    }
  }
}

TEST(BatchBuilderTest, EvaluationGivesEveryClipOfEverySampleInOrder) {
  LoaderOptions options = SmallOptions();
  options.training = false;
  options.num_clips = 3;
  options.augment = {.random_crop = true, .flip = true};  // for training only
  const auto builder = NotingBuilder(options);
  ASSERT_EQ(builder->clips_per_epoch(), 30);
  const RawBatch batch = *builder->Build({0, 4});
  EXPECT_EQ(batch.samples, (std::vector<int64_t>{1, 1, 2, 2}));
  EXPECT_EQ(batch.clip_numbers, (std::vector<int64_t>{1, 2, 0, 1}));
  EXPECT_EQ(batch.videos, batch.samples);
  // 20 frames, span 5, 16 starts in 3 parts: 16/6 = 2, 48/6 = 8, 80/6 = 13.
  const uint8_t* note = batch.buffer.get();
  const std::vector<int> expected = {1, 8, 2, 3, 0};
  EXPECT_EQ(std::vector<int>(note, note + 5), expected);
}

TEST(BatchBuilderTest, AugmentationIsAFunctionOfSeedEpochAndSample) {
  LoaderOptions options = SmallOptions();
  options.augment = {.random_crop = true, .flip = true};
  const auto notes = [&options](int64_t epoch) {
    const auto builder = NotingBuilder(options);
    std::map<int64_t, std::vector<uint8_t>> by_sample;
    for (int64_t at = 0; at < 10; at += options.batch_size) {
      const RawBatch batch = *builder->Build({epoch, at});
      for (size_t i = 0; i < batch.samples.size(); ++i) {
        const uint8_t* note = batch.buffer.get() + i * 3 * 3 * 16;
        by_sample[batch.samples[i]] = std::vector<uint8_t>(note, note + 5);
      }
    }
    return by_sample;
  };
  const auto first = notes(0);
  EXPECT_NE(first, notes(1));
  options.batch_size = 3;  // other batches, same clips
  EXPECT_EQ(first, notes(0));
  options.seed = 6;
  EXPECT_NE(first, notes(0));
}

TEST(BatchBuilderTest, ClipsComeFromTheFirstMaxVideoFrames) {
  LoaderOptions options = SmallOptions();
  options.max_video_frames = 6;
  const auto builder = NotingBuilder(options);
  for (int64_t epoch = 0; epoch < 50; ++epoch) {
    EXPECT_LE(builder->Build({epoch, 0})->buffer.get()[2 * 16 + 1], 5);
  }
}

// The notes of ReadKeypoints, [B, frames, 3].
std::vector<float> PoseNotes(const BatchBuilder& builder, const RawBatch& batch, int64_t frames) {
  const float* notes =
      reinterpret_cast<const float*>(batch.buffer.get() + builder.layout().keypoints);
  return {notes, notes + batch.samples.size() * frames * 3};
}

TEST(BatchBuilderTest, KeypointsAndFramesSpanTheWholeSampleAtTheirOwnRates) {
  LoaderOptions options = SmallOptions();
  options.keypoints = {.persons = 1, .frames = 8, .joints = 1};
  for (const bool training : {true, false}) {
    options.training = training;
    const auto builder = NotingBuilder(options);
    const RawBatch batch = *builder->Build({3, 0});
    const std::vector<float> notes = PoseNotes(*builder, batch, 8);
    for (int64_t b = 0; b < 4; ++b) {
      // 20 frames: 3 of the video and 8 of the pose, each in its own segment.
      for (int64_t t = 0; t < 3; ++t) {
        const int64_t frame = batch.buffer.get()[(b * 3 * 3 + t) * 16 + 1];
        EXPECT_TRUE(frame >= t * 20 / 3 && frame < (t + 1) * 20 / 3) << frame;
      }
      for (int64_t t = 0; t < 8; ++t) {
        const int64_t frame = static_cast<int64_t>(notes[(b * 8 + t) * 3]);
        EXPECT_TRUE(frame >= t * 20 / 8 && frame < (t + 1) * 20 / 8) << frame;
        EXPECT_EQ(notes[(b * 8 + t) * 3 + 1], 1);  // follows the crop
        EXPECT_EQ(notes[(b * 8 + t) * 3 + 2], batch.samples[b]);
      }
    }
    // In another epoch, training draws other frames; evaluation draws the same.
    const bool same = PoseNotes(*builder, *builder->Build({4, 0}), 8) == notes;
    EXPECT_EQ(same, !training);
  }
}

TEST(BatchBuilderTest, WithoutFramesKeypointsHaveTheirOwnWindow) {
  LoaderOptions options = SmallOptions();
  options.frames = false;
  options.height = 1000;  // larger than any frame
  options.keypoints = {.persons = 1, .frames = 2, .joints = 1};
  options.augment = {.random_crop = true};
  const auto builder = NotingBuilder(options);
  EXPECT_EQ(builder->layout().bytes, 4 * 2 * 3 * 4);
  const RawBatch batch = *builder->Build({0, 0});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(PoseNotes(*builder, batch, 2)[3 * i + 1], 2);
}

TEST(BatchBuilderTest, FlipIsTheSameForBothStreams) {
  LoaderOptions options = SmallOptions();
  options.keypoints = {.persons = 1, .frames = 1, .joints = kCocoJoints};
  options.augment = {.flip = true};
  const auto builder = NotingBuilder(options);
  int flipped = 0;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    const RawBatch batch = *builder->Build({epoch, 0});
    for (int b = 0; b < 4; ++b) {
      const int64_t keypoints = builder->layout().keypoints + b * kCocoJoints * 3 * 4;
      const bool pose = reinterpret_cast<const float*>(batch.buffer.get() + keypoints)[1] >= 4;
      EXPECT_EQ(pose, batch.buffer.get()[b * 3 * 3 * 16 + 4] == 1);
      flipped += pose;
    }
  }
  EXPECT_TRUE(flipped > 0 && flipped < 20) << flipped;
}

TEST(BatchBuilderTest, FramesSmallerThanTheCropAreRefusedWithBothSizes) {
  LoaderOptions options = SmallOptions();
  options.height = 10;
  const auto builder =
      BatchBuilder::Create(options, std::make_unique<NotingSource>(10, 20, FrameSize{11, 9}));
  ASSERT_TRUE(absl::IsInvalidArgument(builder.status()));
  const std::string message(builder.status().message());
  EXPECT_NE(message.find("10x4"), std::string::npos) << message;
  EXPECT_NE(message.find("9x11"), std::string::npos) << message;
  EXPECT_NE(message.find("data.allow_upscale"), std::string::npos) << message;
  options.allow_upscale = true;
  EXPECT_TRUE(
      BatchBuilder::Create(options, std::make_unique<NotingSource>(10, 20, FrameSize{11, 9})).ok());
}

TEST(BatchBuilderTest, ThreadsNeverChangeABatch) {
  LoaderOptions options = SmallOptions();
  options.sources = {"synthetic:10"};
  options.num_classes = 4;
  options.keypoints = {.persons = 2, .frames = 5};
  options.log_mel = {.mels = 3, .frames = 7};
  options.tokens = {.length = 6, .vocabulary = 11};
  const auto batches = [&options](int workers) {
    const auto builder = *BatchBuilder::Create(options, *OpenSyntheticSource(options));
    const SampleBytes sample = SampleBytesOf(options);
    const BatchLayout layout = builder->layout();
    PrefetchQueue<RawBatch> queue(
        {.num_workers = workers, .max_ahead = 2 * workers, .num_items = 12}, [&](int64_t number) {
          return builder->Build(builder->Advance({0, 0}, number));
        });
    std::vector<std::vector<int64_t>> all;
    for (int i = 0; i < 12; ++i) {
      const RawBatch batch = *queue.Next();
      all.push_back(batch.samples);
      all.push_back(batch.labels);
      const int64_t size = static_cast<int64_t>(batch.samples.size());
      for (const auto& [offset, bytes] :
           {std::pair(layout.clips, sample.clip), std::pair(layout.keypoints, sample.keypoints),
            std::pair(layout.log_mel, sample.log_mel), std::pair(layout.tokens, sample.tokens)}) {
        const uint8_t* first = batch.buffer.get() + offset;
        all.emplace_back(first, first + size * bytes);
      }
    }
    return all;
  };
  const auto expected = batches(0);
  for (const int workers : {1, 2, 8}) EXPECT_EQ(batches(workers), expected) << workers;
}

}  // namespace
}  // namespace slimreel
