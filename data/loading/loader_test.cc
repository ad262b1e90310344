// Tests the loader as the trainer uses it, over real shards.
#include "data/loading/loader.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/counter_random.h"
#include "base/logging.h"
#include "base/test_files.h"
#include "data/shard/dataset_info.h"
#include "data/shard/npy.h"
#include "data/shard/shard_writer.h"

namespace slimreel {
namespace {

constexpr int64_t kHeight = 12;
constexpr int64_t kWidth = 20;

uint8_t Pixel(int64_t sample, int64_t frame, int64_t y, int64_t x, int64_t channel) {
  return static_cast<uint8_t>(
      CounterBits({static_cast<uint64_t>(sample), static_cast<uint64_t>(frame),
                   static_cast<uint64_t>((y * kWidth + x) * 3 + channel)}));
}

int64_t NumFrames(int64_t sample) { return 7 + sample % 5; }

// Joint v of frame t is at (4 + v / 2, 1 + t) with score (sample + 1) / 32. All values are exact.
std::vector<float> Joints(int64_t sample) {
  std::vector<float> values;
  for (int64_t t = 0; t < NumFrames(sample); ++t) {
    for (int64_t v = 0; v < 17; ++v) {
      values.push_back(4.0f + static_cast<float>(v) / 2);
      values.push_back(1.0f + static_cast<float>(t));
      values.push_back(static_cast<float>(sample + 1) / 32);
    }
  }
  return values;
}

// Two samples per video, three classes, a few samples per shard.
void WriteShards(const std::string& folder, int64_t num_samples, const std::string& split,
                 int64_t without_keypoints = -1) {
  auto writer =
      *ShardWriter::Create({.folder = folder, .split = split, .shard_size_bytes = 40 << 10});
  for (int64_t n = 0; n < num_samples; ++n) {
    std::vector<uint8_t> pixels;
    for (int64_t t = 0; t < NumFrames(n); ++t) {
      for (int64_t i = 0; i < kHeight * kWidth * 3; ++i) {
        pixels.push_back(Pixel(n, t, i / 3 / kWidth, i / 3 % kWidth, i % 3));
      }
    }
    Sample sample;
    sample.key = absl::StrCat("clip", 1000 + n);
    sample.source = absl::StrCat("video", n / 2, ".mp4");
    sample.label = n % 3;
    sample.height = kHeight;
    sample.width = kWidth;
    sample.frames = {{pixels.data(), NumFrames(n)}};
    const std::vector<float> joints = Joints(n);
    const std::string keypoints =
        NpyFile(NpyType::kFloat32, {1, NumFrames(n), 17, 3}, joints.data());
    if (n != without_keypoints) sample.members = {{"kpts.npy", keypoints}};
    ASSERT_TRUE(writer->Add(sample).ok());
  }
  ASSERT_TRUE(writer->Flush().ok());
  DatasetInfo info;
  info.classes = {"a", "b", "c"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info).ok());
}

class LoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder("shards");
    WriteShards(folder_, 11, "train");
    options_.sources = {folder_};
    options_.height = 8;
    options_.width = 10;
    options_.num_frames = 4;
    options_.frame_interval = 2;
    options_.batch_size = 4;
    options_.seed = 3;
    options_.augment = {.random_crop = true, .flip = true};
  }

  std::string FirstShard() const { return absl::StrCat(folder_, "/train-000000.tar"); }

  std::string folder_;
  LoaderOptions options_;
};

bool SameTensor(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || at::equal(a, b));
}

bool SameBatch(const Batch& a, const Batch& b) {
  return SameTensor(a.clips, b.clips) && SameTensor(a.keypoints, b.keypoints) &&
         at::equal(a.labels, b.labels) && a.samples == b.samples &&
         a.clip_numbers == b.clip_numbers && a.videos == b.videos && a.epoch == b.epoch &&
         a.first_sample == b.first_sample && a.last_of_epoch == b.last_of_epoch;
}

std::vector<Batch> Take(Loader& loader, int count) {
  std::vector<Batch> batches;
  for (int i = 0; i < count; ++i) batches.push_back(*loader.Next());
  return batches;
}

TEST_F(LoaderTest, SameBatchesForAnyNumberOfWorkers) {
  options_.num_workers = 0;
  const std::vector<Batch> expected = Take(**Loader::Open(options_), 9);  // three epochs
  for (const int workers : {1, 2, 8}) {
    for (const int ahead : {1, 3, 8}) {
      options_.num_workers = workers;
      options_.prefetch_batches = ahead;
      auto loader = *Loader::Open(options_);
      for (const Batch& batch : expected) ASSERT_TRUE(SameBatch(*loader->Next(), batch));
    }
  }
}

TEST_F(LoaderTest, ResumesExactlyAtEveryPosition) {
  auto loader = *Loader::Open(options_);
  std::vector<LoaderPosition> positions;
  std::vector<Batch> batches;
  for (int i = 0; i < 9; ++i) {
    positions.push_back(loader->position());
    batches.push_back(*loader->Next());
    EXPECT_EQ(batches[i].epoch, positions[i].epoch);
    EXPECT_EQ(batches[i].first_sample, positions[i].next_sample);
  }
  for (int start = 0; start < 8; ++start) {
    auto resumed = *Loader::Open(options_);
    resumed->Seek(positions[start]);
    EXPECT_EQ(resumed->position(), positions[start]);
    for (int i = start; i < 9; ++i) ASSERT_TRUE(SameBatch(*resumed->Next(), batches[i])) << start;
    loader->Seek(positions[start]);  // also on a loader that has started
    ASSERT_TRUE(SameBatch(*loader->Next(), batches[start]));
  }
}

// Every clip must be a crop of its own sample's frames. The test tries all crops.
TEST_F(LoaderTest, EveryClipIsACropOfItsOwnSample) {
  auto loader = *Loader::Open(options_);
  for (const Batch& batch : Take(*loader, 6)) {
    ASSERT_EQ(batch.clips.dim(), 5);
    const auto labels = batch.labels.data_ptr<int64_t>();
    for (size_t b = 0; b < batch.samples.size(); ++b) {
      const int64_t sample = batch.samples[b];
      EXPECT_EQ(labels[b], sample % 3);
      EXPECT_EQ(loader->videos()[batch.videos[b]], absl::StrCat("video", sample / 2, ".mp4"));
      const at::Tensor clip = batch.clips[b];  // [3, T, H, W]
      const auto pixel = clip.accessor<uint8_t, 4>();
      int matches = 0;
      const int64_t span = 7;
      for (int64_t start = 0; start + span <= NumFrames(sample); ++start) {
        for (int64_t place = 0; place < 5 * 11 * 2; ++place) {
          const int64_t top = place / 2 / 11, left = place / 2 % 11, flip = place % 2;
          bool same = true;
          for (int64_t i = 0; same && i < 3 * 4 * 8 * 10; ++i) {
            const int64_t c = i / 320, t = i / 80 % 4, y = i / 10 % 8, x = i % 10;
            const int64_t column = left + (flip ? 9 - x : x);
            same = pixel[c][t][y][x] == Pixel(sample, start + 2 * t, top + y, column, c);
          }
          matches += same;
        }
      }
      EXPECT_EQ(matches, 1) << "sample " << sample;
    }
  }
}

TEST_F(LoaderTest, BothStreamsAreTheSameForAnyNumberOfWorkers) {
  options_.keypoints = {.persons = 2, .frames = 6, .heatmap_size = 16};
  options_.num_workers = 0;
  const std::vector<Batch> expected = Take(**Loader::Open(options_), 6);
  EXPECT_EQ(expected[0].keypoints.sizes(), (std::vector<int64_t>{4, 2, 6, 17, 3}));
  for (const int workers : {1, 2, 8}) {
    options_.num_workers = workers;
    auto loader = *Loader::Open(options_);
    for (const Batch& batch : expected) ASSERT_TRUE(SameBatch(*loader->Next(), batch));
  }
}

// Both streams show the same window: frame t's joints lie at y = 1 + t, and the centre crop
// takes 8 x 10 of 12 x 20 pixels from (2, 5).
TEST_F(LoaderTest, KeypointsShowWhatTheCropShows) {
  options_.training = false;
  options_.batch_size = 11;
  options_.keypoints = {.persons = 2, .frames = 3, .heatmap_size = 16};
  const Batch batch = *(*Loader::Open(options_))->Next();
  const auto joint = batch.keypoints.accessor<float, 5>();
  for (int64_t n = 0; n < 11; ++n) {
    for (int t = 0; t < 3; ++t) {
      const float frame = joint[n][0][t][0][1] * 8 / 16 + 2 - 1;
      EXPECT_TRUE(frame >= t * NumFrames(n) / 3 && frame < (t + 1) * NumFrames(n) / 3) << frame;
      for (int v = 0; v < 17; ++v) {
        EXPECT_FLOAT_EQ(joint[n][0][t][v][0], (4.0f + v / 2.0f - 5) * 16 / 10);
        EXPECT_FLOAT_EQ(joint[n][0][t][v][2], (n + 1) / 32.0f);
        EXPECT_EQ(joint[n][1][t][v][2], 0);
      }
    }
  }
}

TEST_F(LoaderTest, KeypointsAloneNeedNoFrames) {
  options_.keypoints = {.persons = 1, .frames = 3};
  options_.frames = false;
  options_.height = options_.width = 500;
  const Batch batch = *(*Loader::Open(options_))->Next();
  EXPECT_FALSE(batch.clips.defined());
  EXPECT_EQ(batch.keypoints.size(0), 4);
}

TEST_F(LoaderTest, MissingKeypointsAreRefusedNamingTheSample) {
  const std::string folder = folder_ + "_partly";
  WriteShards(folder, 4, "train", /*without_keypoints=*/2);
  options_.sources = {folder};
  EXPECT_TRUE(Loader::Open(options_).ok());  // without keypoints in the options
  options_.keypoints = {.persons = 1};
  const absl::Status status = Loader::Open(options_).status();
  ASSERT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("clip1002 has no keypoints"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("data.load_kpt"), absl::string_view::npos) << status;
}

TEST_F(LoaderTest, AnotherNumberOfJointsIsRefused) {
  options_.keypoints = {.persons = 1, .joints = 25};
  options_.augment.flip = false;
  const absl::Status status = (*Loader::Open(options_))->Next().status();
  ASSERT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("17 joints, but the model takes 25"), absl::string_view::npos)
      << status;
  options_.augment.flip = true;  // left and right of these joints are not known
  EXPECT_TRUE(absl::IsInvalidArgument(Loader::Open(options_).status()));
}

TEST_F(LoaderTest, ClassesAreReadWithoutALoader) {
  EXPECT_EQ(*Loader::ReadClasses(options_), (std::vector<std::string>{"a", "b", "c"}));
  options_.sources = {folder_ + "_nowhere"};
  EXPECT_TRUE(absl::IsNotFound(Loader::ReadClasses(options_).status()));
  options_.sources = {"synthetic:3"};
  options_.num_classes = 2;
  EXPECT_EQ(*Loader::ReadClasses(options_), (std::vector<std::string>{"0", "1"}));
}

TEST_F(LoaderTest, EvaluationEndsAndGivesAllClipsOfAllSamples) {
  options_.training = false;
  options_.num_clips = 2;
  auto loader = *Loader::Open(options_);
  EXPECT_EQ(loader->samples_per_epoch(), 22);
  EXPECT_EQ(loader->batches_per_epoch(), 6);
  std::vector<std::pair<int64_t, int64_t>> seen;
  for (int i = 0; i < 6; ++i) {
    const Batch batch = *loader->Next();
    EXPECT_EQ(batch.last_of_epoch, i == 5);
    EXPECT_EQ(batch.clips.size(0), i == 5 ? 2 : 4);
    for (size_t b = 0; b < batch.samples.size(); ++b) {
      seen.emplace_back(batch.samples[b], batch.clip_numbers[b]);
    }
  }
  EXPECT_TRUE(absl::IsOutOfRange(loader->Next().status()));
  ASSERT_EQ(seen.size(), 22u);
  for (int64_t i = 0; i < 22; ++i) EXPECT_EQ(seen[i], (std::pair<int64_t, int64_t>{i / 2, i % 2}));
  loader->Seek({0, 0});  // evaluated again after the next epoch of training
  EXPECT_EQ(loader->Next()->samples[0], 0);
}

TEST_F(LoaderTest, BatchesOutliveTheirLoaderAndBuffersAreReused) {
  auto loader = *Loader::Open(options_);
  Batch kept = *loader->Next();
  const at::Tensor copy = kept.clips.clone();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(loader->Next().ok());
  // One kept, one just returned, two ahead.
  EXPECT_LE(loader->buffer_bytes(), 4 * 3840);
  EXPECT_TRUE(at::equal(kept.clips, copy));
  loader.reset();
  EXPECT_TRUE(at::equal(kept.clips, copy));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(kept.clips.data_ptr()) % 64, 0u);
}

TEST_F(LoaderTest, ANewBatchSizeKeepsThePosition) {
  for (const int workers : {0, 2}) {
    options_.num_workers = workers;
    options_.training = false;
    auto loader = *Loader::Open(options_);
    std::vector<int64_t> samples = loader->Next()->samples;
    loader->SetBatchSize(3);
    EXPECT_EQ(loader->position(), (LoaderPosition{0, 4}));
    for (const size_t size : {3, 3, 1}) {
      const Batch batch = *loader->Next();
      EXPECT_EQ(batch.samples.size(), size);
      samples.insert(samples.end(), batch.samples.begin(), batch.samples.end());
    }
    EXPECT_TRUE(absl::IsOutOfRange(loader->Next().status()));
    EXPECT_EQ(samples, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(loader->batches_per_epoch(), 4);
  }
}

TEST_F(LoaderTest, ContentIdsDoNotDependOnTheFolder) {
  const std::string copy = folder_ + "_copy", other = folder_ + "_other";
  std::filesystem::remove_all(copy);
  std::filesystem::remove_all(other);
  WriteShards(other, 3, "val");
  std::filesystem::copy(folder_, copy);
  const auto ids = (*Loader::Open(options_))->ContentIds();
  EXPECT_EQ(std::set<uint64_t>(ids.begin(), ids.end()).size(), 11u);
  options_.sources = {copy};
  EXPECT_EQ((*Loader::Open(options_))->ContentIds(), ids);
  options_.sources = {other};  // the first three samples, stored again under another split's name
  auto loader = *Loader::Open(options_);
  EXPECT_EQ(loader->ContentIds(), std::vector<uint64_t>(ids.begin(), ids.begin() + 3));
  EXPECT_EQ(loader->videos()[static_cast<size_t>(loader->video_of(2))], "video1.mp4");
}

TEST_F(LoaderTest, TheOnlySplitOfAFolderIsUsedAndNamedInOneLine) {
  options_.split = "val";
  options_.sources_key = "data.val";
  testing::internal::CaptureStderr();
  ASSERT_TRUE(Loader::Open(options_).ok());
  google::FlushLogFiles(google::GLOG_INFO);
  EXPECT_NE(testing::internal::GetCapturedStderr().find(
                folder_ + " holds only the split 'train'; it is used for data.val"),
            std::string::npos);
}

TEST_F(LoaderTest, FoldersAreJoinedOneAfterTheOther) {
  const std::string second = folder_ + "_second";
  std::filesystem::remove_all(second);
  WriteShards(second, 3, "train");
  options_.sources = {folder_, second};
  options_.training = false;
  options_.batch_size = 14;
  auto loader = *Loader::Open(options_);
  const Batch batch = *loader->Next();
  EXPECT_EQ(batch.samples[13], 13);
  EXPECT_EQ(batch.videos[13], 7);  // six videos, then the second folder's second
  EXPECT_TRUE(at::equal(batch.clips[11], batch.clips[0]));
}

TEST_F(LoaderTest, DamagedShardIsNamed) {
  const auto size = std::filesystem::file_size(FirstShard());
  std::filesystem::resize_file(FirstShard(), size / 2);
  const auto loader = Loader::Open(options_);
  ASSERT_TRUE(absl::IsDataLoss(loader.status())) << loader.status();
  EXPECT_NE(loader.status().message().find("train-000000"), absl::string_view::npos);
}

TEST_F(LoaderTest, DamageThatOpenCannotSeeIsAnErrorOfNext) {
  auto loader = *Loader::Open(options_);  // nothing is read before the first Next
  {
    std::fstream shard(FirstShard(), std::ios::in | std::ios::out | std::ios::binary);
    shard.write(std::string(512, 'x').data(), 512);  // the header of the first member
  }
  absl::Status status;
  for (int i = 0; i < 3 && status.ok(); ++i) status = loader->Next().status();
  ASSERT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("train-000000.tar"), absl::string_view::npos) << status;
}

TEST_F(LoaderTest, CropLargerThanTheStoredFrameNamesBoth) {
  options_.width = 24;
  const absl::Status status = Loader::Open(options_).status();
  ASSERT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.message().find("8x24"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("12x20"), absl::string_view::npos) << status;
  options_.allow_upscale = true;
  EXPECT_EQ((*Loader::Open(options_))->Next()->clips.size(4), 24);
}

TEST_F(LoaderTest, MissingFolderIsNotFound) {
  options_.sources = {folder_ + "_nowhere"};
  EXPECT_TRUE(absl::IsNotFound(Loader::Open(options_).status()));
}

TEST_F(LoaderTest, AllMistakesAreRefusedAtOnce) {
  options_.batch_size = 0;
  options_.num_frames = -1;
  const absl::Status status = Loader::Open(options_).status();
  ASSERT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.message().find("data.batch_size is 0"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("data.num_frames is -1"), absl::string_view::npos) << status;
  options_.augment.color_jitter = true;
  EXPECT_TRUE(absl::IsUnimplemented(Loader::Open(options_).status()));
}

}  // namespace
}  // namespace slimreel
