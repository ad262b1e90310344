// A raw clip must be scored like its sample in the shards that the model learns from.
#include "trainer/prediction/video_predictor.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "data/decode/media_error.h"
#include "data/demo/motion_clip.h"
#include "data/demo/video_writer.h"
#include "data/loading/loader.h"
#include "data/pipeline/prepare.h"
#include "gtest/gtest.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/evaluation/evaluator.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 50;

class VideoPredictorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/predict_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/clips/left");
    clip_ = folder_ + "/clips/left/one.mp4";
    MotionClipOptions options{.width = 96, .height = 72, .num_frames = kFrames};
    auto frames = RenderMotionClip(DrawMotionClipParameters(Motion::kLeft, 5, options), options);
    // Ten dark frames, which a quality threshold leaves out.
    std::fill_n(frames.begin() + 20 * 96 * 72 * 3, 10 * 96 * 72 * 3, uint8_t{3});
    const auto bytes = EncodeMp4(frames.data(), kFrames, 96, 72, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    ASSERT_TRUE(WriteFileAtomically(clip_, *bytes).ok());
    ModelSpec spec;
    spec.name = "r3d_nano";
    spec.num_classes = 3;
    spec.num_frames = 8;
    spec.height = spec.width = 32;
    model_ = BuildModel(spec).value();
  }

  // As prepare stores it with `preparation`, and evaluation then scores it.
  std::vector<double> ThroughShards(const PredictOptions& options) {
    PrepareOptions prepare;
    prepare.inputs = {folder_ + "/clips"};
    prepare.output = folder_ + "/shards";
    const FramePreparation& preparation = options.preparation;
    prepare.data.native_size = preparation.short_side == 0;
    if (preparation.short_side > 0) prepare.data.short_side = preparation.short_side;
    prepare.data.max_video_frames = preparation.max_video_frames;
    prepare.data.chunk_overlap = preparation.chunk_overlap;
    prepare.data.min_chunk_frames = preparation.min_chunk_frames;
    prepare.data.quality_threshold = preparation.quality_threshold;
    const auto summary = Prepare(prepare);
    EXPECT_TRUE(summary.ok()) << summary.status();
    LoaderOptions loading;
    loading.sources = {prepare.output};
    loading.training = false;
    loading.sampling = Sampling::kSequential;
    loading.height = loading.width = 32;
    loading.num_frames = 8;
    loading.frame_interval = options.data.frame_interval;
    loading.max_video_frames = options.data.max_video_frames;
    loading.num_clips = options.evaluation.num_clips;
    loading.batch_size = 1;  // the shapes that predict has, so that even the bits agree
    loading.num_workers = 0;
    const auto loader = Loader::Open(loading).value();
    const auto result = Evaluator(*model_, loader.get(), -1, at::kCPU).Run();
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->video_scores.size(), 1u);
    return result->video_scores[0].logits;
  }

  void ExpectSameAsShards(const PredictOptions& options) {
    const auto prediction = VideoPredictor(*model_, options).Predict(clip_);
    ASSERT_TRUE(prediction.ok()) << prediction.status();
    EXPECT_EQ(prediction->frames, kFrames);
    EXPECT_EQ(prediction->logits, ThroughShards(options));
  }

  std::string folder_;
  std::string clip_;
  std::unique_ptr<Model> model_;
};

TEST_F(VideoPredictorTest, ARawClipHasTheLogitsOfItsShardSample) {
  PredictOptions options;
  options.preparation.short_side = 40;
  options.evaluation.num_clips = 3;
  ExpectSameAsShards(options);
}

TEST_F(VideoPredictorTest, FramesStoredAsDecodedAreTakenAsDecoded) {
  PredictOptions options;
  options.preparation.short_side = 0;
  ExpectSameAsShards(options);
}

TEST_F(VideoPredictorTest, OverlappingChunksAndAShortLastOneAreCutAsPrepareCutsThem) {
  PredictOptions options;
  options.preparation = {.short_side = 40, .max_video_frames = 20, .chunk_overlap = 5};
  options.evaluation.num_clips = 2;
  ExpectSameAsShards(options);
}

TEST_F(VideoPredictorTest, AShortLastChunkThatPrepareLeavesOutIsLeftOut) {
  PredictOptions options;
  options.preparation = {.short_side = 40, .max_video_frames = 20};
  const auto with_rest = VideoPredictor(*model_, options).Predict(clip_);
  ASSERT_TRUE(with_rest.ok()) << with_rest.status();
  options.preparation.min_chunk_frames = 20;
  const auto without = VideoPredictor(*model_, options).Predict(clip_);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->clips, with_rest->clips - 1);
  ExpectSameAsShards(options);
}

TEST_F(VideoPredictorTest, FramesUnderTheQualityThresholdAreLeftOut) {
  PredictOptions options;
  options.preparation = {.short_side = 40, .max_video_frames = 20, .quality_threshold = 0.2};
  ExpectSameAsShards(options);
  options.preparation.quality_threshold = 1.0;
  const absl::Status status = VideoPredictor(*model_, options).Predict(clip_).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(VideoPredictorTest, ClipsComeFromTheFirstFramesOfAChunkThatTrainingUsed) {
  PredictOptions options;
  options.preparation.short_side = 40;
  options.data.max_video_frames = 18;
  ExpectSameAsShards(options);
}

TEST_F(VideoPredictorTest, FramesSmallerThanTheCropAreRefusedUnlessEnlargingIsAllowed) {
  PredictOptions options;
  options.preparation.short_side = 24;
  EXPECT_TRUE(absl::IsInvalidArgument(VideoPredictor(*model_, options).Predict(clip_).status()));
  options.data.allow_upscale = true;
  EXPECT_TRUE(VideoPredictor(*model_, options).Predict(clip_).ok());
}

// Videos whose chunks and clips overlap, repeat frames and leave some out.
std::vector<PredictOptions> Cases() {
  PredictOptions whole;
  whole.preparation.short_side = 40;
  whole.evaluation.num_clips = 3;
  PredictOptions overlapping = whole;
  overlapping.preparation = {.short_side = 40, .max_video_frames = 20, .chunk_overlap = 5};
  overlapping.evaluation.num_clips = 5;
  PredictOptions filtered = overlapping;
  filtered.preparation.quality_threshold = 0.2;
  filtered.preparation.min_chunk_frames = 20;
  PredictOptions looped = overlapping;  // a clip is longer than a chunk
  looped.preparation.max_video_frames = 10;
  looped.data.frame_interval = 3;
  return {whole, overlapping, filtered, looped};
}

TEST_F(VideoPredictorTest, AnyBudgetGivesTheSameBitsUntilASingleClipDoesNotFit) {
  int64_t fewest = 100;  // clips whose frames were held at once
  for (const PredictOptions& options : Cases()) {
    const int64_t live = ReadCpuMemory().live_bytes;
    ResetCpuPeaks();
    const auto expected = VideoPredictor(*model_, options).Predict(clip_);
    ASSERT_TRUE(expected.ok()) << expected.status();
    const int64_t peak = ReadCpuMemory().peak_live_bytes - live;
    std::set<int64_t> clips_at_once;
    absl::Status last;
    for (int64_t room = peak; room > 0 && last.ok(); room -= 3 * 32 * 32) {  // a frame
      SetCpuBudget(live + room);
      VideoPredictor predictor(*model_, options);
      const auto found = predictor.Predict(clip_);
      EXPECT_LE(ReadCpuMemory().reserved_bytes, live + room);
      SetCpuBudget(0);
      last = found.status();
      if (!found.ok()) continue;
      clips_at_once.insert(predictor.clips_at_once());
      EXPECT_EQ(found->logits, expected->logits) << room;
      EXPECT_EQ(found->frames, expected->frames);
      EXPECT_EQ(found->clips, expected->clips);
    }
    EXPECT_EQ(ExitCodeOf(last), ExitCode::kNothingFits) << last;
    EXPECT_NE(last.message().find("a single clip of"), absl::string_view::npos) << last;
    EXPECT_TRUE(clips_at_once.contains(0));
    ASSERT_GE(clips_at_once.size(), 2u) << "some budget has no room for a whole chunk";
    fewest = std::min(fewest, *clips_at_once.upper_bound(0));
  }
  EXPECT_EQ(fewest, 1);
}

TEST_F(VideoPredictorTest, AnyAllocationThatFailsOnceCostsARetryAndNoBit) {
  const PredictOptions options = Cases()[1];
  const auto expected = VideoPredictor(*model_, options).Predict(clip_);
  int64_t count = 0;
  {
    const AllocationFault counter(AllocationFault::kNever);
    ASSERT_TRUE(VideoPredictor(*model_, options).Predict(clip_).ok());
    count = counter.num_seen();
  }
  for (int64_t nth = 0; nth < count; nth += nth < 60 ? 7 : 97) {
    VideoPredictor predictor(*model_, options);
    const AllocationFault fault(nth);
    const auto found = predictor.Predict(clip_);
    ASSERT_TRUE(found.ok()) << nth << ": " << found.status();
    EXPECT_TRUE(fault.thrown());
    EXPECT_EQ(predictor.clips_at_once(), options.evaluation.num_clips) << "and it is remembered";
    EXPECT_EQ(found->logits, expected->logits) << nth;
  }
}

TEST_F(VideoPredictorTest, AShortVideoTakesOnlyTheMemoryOfItsFrames) {
  PredictOptions options;
  options.preparation.short_side = 40;
  options.preparation.max_video_frames = 100000;
  const int64_t live = ReadCpuMemory().live_bytes;
  ResetCpuPeaks();
  ASSERT_TRUE(VideoPredictor(*model_, options).Predict(clip_).ok());
  EXPECT_LT(ReadCpuMemory().peak_live_bytes - live, 2 * kFrames * 3 * 32 * 32 + (4 << 20));
}

// One picture of 16000 x 16000 in two colours, of which a single pixel is drawn.
TEST_F(VideoPredictorTest, APictureOverTheBoundIsRefused) {
  const std::string gif = folder_ + "/huge.gif", side = "\x80\x3e\x80\x3e";
  const std::string bytes = "GIF89a" + side + std::string("\x80\0\0", 3) +
                            std::string("\0\0\0\xff\xff\xff", 6) + std::string(",\0\0\0\0", 5) +
                            side + std::string("\0\x02\x02\x44\x01\0;", 7);
  ASSERT_TRUE(WriteFileAtomically(gif, bytes).ok());
  PredictOptions options;
  options.preparation.short_side = 128;  // else the picture is too large as RGB
  options.max_decoded_frame_bytes = 64 << 20;
  const absl::Status status = VideoPredictor(*model_, options).Predict(gif).status();
  EXPECT_EQ(ReasonOf(status), kReasonFrameTooLarge) << status;
}

TEST_F(VideoPredictorTest, AFileThatIsNoVideoIsAnErrorThatNamesIt) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/text.mp4", "no video").ok());
  const absl::Status status =
      VideoPredictor(*model_, PredictOptions()).Predict(folder_ + "/text.mp4").status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("text.mp4"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace slimreel
