#include "data/pipeline/reuse_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

constexpr int64_t kFull = 10;  // frames of a full chunk
constexpr uint64_t kRecipe = 77;
using Numbers = std::vector<int32_t>;
using Plans = std::vector<VideoPlan>;
constexpr VideoPlan kDecode = VideoPlan::kDecode, kReuse = VideoPlan::kReuse,
                    kNoSamples = VideoPlan::kNoSamples;

// A sample as an earlier preparation stored it.
struct Stored {
  std::string video;  // "a" is in/a.mp4
  int64_t chunk = 0;
  bool last = false;
  int64_t frames = kFull;
  int64_t left_out = 0;
  uint64_t version = 1;  // of the file that it was made of
  uint64_t recipe = kRecipe;
  int64_t label = 0;
  bool has_origin = true;
};

// All chunks of a video: full ones, then a last one of `rest` frames.
std::vector<Stored> Video(const std::string& name, int64_t chunks, int64_t rest = kFull,
                          uint64_t version = 1) {
  std::vector<Stored> samples;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const bool last = chunk + 1 == chunks;
    samples.push_back({name, chunk, last, last ? rest : kFull, 0, version});
  }
  return samples;
}

std::vector<Stored> operator+(std::vector<Stored> a, const std::vector<Stored>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class ReusePlanTest : public testing::Test {
 protected:
  // Sets the videos of the input, in order; all files have version 1.
  void Input(const std::vector<std::string>& names) {
    videos_.clear();
    for (const std::string& name : names) {
      SourceVideo video;
      video.source.path = PathOf(name);
      video.key = name;
      video.label = 0;
      videos_.push_back(std::move(video));
    }
    versions_.assign(names.size(), 1);
    none_.assign(names.size(), false);
    may_be_none_.assign(names.size(), false);
  }

  // Adds a shard of an earlier preparation; add those in place first.
  void Shard(int64_t number, const std::vector<Stored>& samples, bool staged = false) {
    IndexBuilder builder;
    for (const Stored& stored : samples) {
      const std::string key = SampleKey(stored.video, stored.chunk), source = PathOf(stored.video);
      IndexSample sample;
      sample.key = key;
      sample.source = source;
      sample.label = stored.label;
      sample.num_frames = static_cast<uint32_t>(stored.frames);
      sample.origin = {stored.has_origin, {1, 1, stored.version}, {}, stored.recipe, stored.chunk,
                       stored.last,       stored.left_out};
      builder.AddSample(sample);
    }
    bytes_.push_back(builder.Build(4096));
    const auto index = IndexView::Parse(bytes_.back(), 4096);
    ASSERT_TRUE(index.ok()) << index.status();
    indexes_.push_back(*index);
    shards_.push_back({{"", number, staged}, &indexes_.back()});
  }
  // Adds shards of `per_shard` samples each, as one preparation writes them.
  void AddShards(const std::vector<Stored>& samples, size_t per_shard, bool staged = false) {
    for (size_t i = 0; i < samples.size(); i += per_shard) {
      const size_t end = std::min(samples.size(), i + per_shard);
      Shard(static_cast<int64_t>(i / per_shard),
            std::vector<Stored>(samples.begin() + static_cast<std::ptrdiff_t>(i),
                                samples.begin() + static_cast<std::ptrdiff_t>(end)),
            staged);
    }
  }

  ReusePlan Plan() const {
    return PlanReuse({.videos = videos_,
                      .shards = shards_,
                      .recipe = kRecipe,
                      .rule = rule_,
                      .same_files =
                          [this](size_t video, const SampleOrigin& origin) {
                            return origin.video.digest == versions_[video];
                          },
                      .has_no_samples = [this](size_t video) { return none_[video]; },
                      .may_have_no_samples = [this](size_t video) { return may_be_none_[video]; },
                      .keep_partial_videos = keep_open_});
  }

  // The samples that are reused for a video, as shard and sample.
  static std::vector<std::pair<int, int>> SamplesOf(const ReusePlan& plan, size_t video) {
    std::vector<std::pair<int, int>> samples;
    for (int64_t i = plan.first[video]; i < plan.first[video + 1]; ++i) {
      samples.emplace_back(plan.samples[i].shard, plan.samples[i].sample);
    }
    return samples;
  }
  static std::string PathOf(const std::string& name) {
    return "in/" + name + (name.find('.') == std::string::npos ? ".mp4" : "");
  }

  std::vector<SourceVideo> videos_;
  std::vector<uint64_t> versions_;
  std::vector<bool> none_;
  std::vector<bool> may_be_none_;
  bool keep_open_ = true;
  ChunkRule rule_{kFull, 0, 1};
  std::deque<std::string> bytes_;
  std::deque<IndexView> indexes_;
  std::vector<StoredShard> shards_;
};

using Places = std::vector<std::pair<int, int>>;

TEST_F(ReusePlanTest, WithoutChangesAllShardsAreKept) {
  Input({"a", "b", "c"});
  AddShards(Video("a", 3) + Video("b", 2, 4) + Video("c", 2, 1), 2);
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kReuse, kReuse, kReuse}));
  EXPECT_EQ(plan.kept_shards, (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(plan.done_videos, 3);
  EXPECT_EQ(plan.next_video_chunks, 0);
}

TEST_F(ReusePlanTest, WithoutEarlierShardsAllVideosAreDecoded) {
  Input({"a", "b"});
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kDecode, kDecode}));
  EXPECT_TRUE(plan.kept_shards.empty());
  EXPECT_EQ(plan.done_videos, 0);
}

TEST_F(ReusePlanTest, SamplesOfOtherFilesOfAnotherRecipeOrWithoutAnOriginAreNotReused) {
  Input({"a", "b", "c", "d"});
  auto samples = Video("a", 1) + Video("b", 1) + Video("c", 1) + Video("d", 1);
  samples[2].recipe = kRecipe + 1;
  samples[3].has_origin = false;
  AddShards(samples, 4);
  versions_[1] = 2;
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kDecode, kDecode, kDecode}));
  EXPECT_TRUE(Plan().kept_shards.empty());
}

// Other footage, in a file whose name has the same stem.
TEST_F(ReusePlanTest, AVideoWhoseStemNowBelongsToAnotherFileIsNotReused) {
  Input({"1.mp4"});
  AddShards(Video("1.avi", 2), 2);
  videos_[0].key = "1.avi";  // as if both had the same stem
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, Plans{kDecode});
  EXPECT_TRUE(plan.kept_shards.empty());
}

TEST_F(ReusePlanTest, AVideoThatLacksAChunkOrItsLastOneIsDecoded) {
  Input({"a", "b", "c"});
  auto a = Video("a", 3), b = Video("b", 3);
  a.erase(a.begin() + 1);
  b.pop_back();
  AddShards(a + b + Video("c", 2), 3);
  EXPECT_EQ(Plan().plans, (Plans{kDecode, kDecode, kReuse}));
  EXPECT_EQ(SamplesOf(Plan(), 2), (Places{{1, 1}, {1, 2}}));
}

TEST_F(ReusePlanTest, SamplesOfTodaysFileVersionAreReused) {
  Input({"a"});
  AddShards(Video("a", 2, kFull, 1), 2);
  AddShards(Video("a", 2, kFull, 2), 2, /*staged=*/true);
  EXPECT_EQ(SamplesOf(Plan(), 0), (Places{{0, 0}, {0, 1}}));
  versions_[0] = 2;
  EXPECT_EQ(SamplesOf(Plan(), 0), (Places{{1, 0}, {1, 1}}));
  EXPECT_EQ(Plan().kept_shards, Numbers{1});
  versions_[0] = 3;
  EXPECT_EQ(Plan().plans, Plans{kDecode});
}

TEST_F(ReusePlanTest, ChunksOfTwoFileVersionsAreNeverMixed) {
  Input({"a"});
  AddShards(Video("a", 2, kFull, 1), 2);
  AddShards({Video("a", 2, kFull, 2)[0]}, 2, /*staged=*/true);
  versions_[0] = 2;
  EXPECT_EQ(Plan().plans, Plans{kDecode});
}

TEST_F(ReusePlanTest, ChunksOfOneFileVersionAreReusedFromSeveralShards) {
  Input({"a"});
  const auto a = Video("a", 3);
  AddShards({a[0], a[1]}, 2);
  AddShards({a[2]}, 2, /*staged=*/true);
  EXPECT_EQ(SamplesOf(Plan(), 0), (Places{{0, 0}, {0, 1}, {1, 0}}));
}

TEST_F(ReusePlanTest, KeptShardsMayBeInPlaceOrStaged) {
  Input({"a", "b", "c"});
  // In place: a, another version of b, and c. Staged: the shards that a later preparation changed.
  AddShards(Video("a", 4) + Video("b", 1, kFull, 1) + Video("c", 2), 2);
  versions_[1] = 2;
  Shard(2, Video("b", 1, kFull, 2) + std::vector<Stored>{Video("c", 2)[0]}, /*staged=*/true);
  Shard(3, {Video("c", 2)[1]}, /*staged=*/true);
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kReuse, kReuse, kReuse}));
  // Shard 3 fits both in place and staged; the one in place is kept.
  EXPECT_EQ(plan.kept_shards, (Numbers{0, 1, 4, 3}));
  EXPECT_EQ(plan.done_videos, 3);
  shards_.erase(shards_.begin() + 3);
  EXPECT_EQ(Plan().kept_shards, (Numbers{0, 1, 3, 4}));
}

// The preparation that wrote it ended there: with a longer input, the shard would hold more.
TEST_F(ReusePlanTest, TheLastShardIsKeptOnlyIfNoSampleFollowsIt) {
  Input({"a", "b", "c"});
  AddShards(Video("a", 2) + Video("b", 1), 2);
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kReuse, kReuse, kDecode}));
  EXPECT_EQ(plan.kept_shards, Numbers{0});
  EXPECT_EQ(plan.done_videos, 1);
  none_[2] = true;  // c gives no sample, so no sample follows
  EXPECT_EQ(Plan().kept_shards, (Numbers{0, 1}));
  EXPECT_EQ(Plan().done_videos, 3);
}

TEST_F(ReusePlanTest, ASampleWithANewLabelOrKeyIsReusedButItsShardIsNotKept) {
  Input({"a", "b", "c"});
  AddShards(Video("a", 2) + Video("b", 2) + Video("c", 2), 2);
  videos_[1].label = 1;
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse}));
  EXPECT_EQ(Plan().kept_shards, Numbers{0});
  EXPECT_EQ(Plan().done_videos, 1);
  videos_[1].label = 0;
  videos_[1].key = "b_2";
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse}));
  EXPECT_EQ(Plan().kept_shards, Numbers{0});
}

TEST_F(ReusePlanTest, ANewOrRemovedVideoChangesAllShardsAfterIt) {
  AddShards(Video("a", 2) + Video("b", 2), 2);
  Input({"0", "a", "b"});
  EXPECT_EQ(Plan().plans, (Plans{kDecode, kReuse, kReuse}));
  EXPECT_TRUE(Plan().kept_shards.empty());
  Input({"b"});
  EXPECT_EQ(Plan().plans, Plans{kReuse});
  EXPECT_TRUE(Plan().kept_shards.empty());
}

TEST_F(ReusePlanTest, FullMiddleChunksOfAnIncompleteVideoAreKept) {
  Input({"a", "b"});
  const auto b = Video("b", 6);
  AddShards(Video("a", 1) + std::vector<Stored>(b.begin(), b.begin() + 5),
            2);  // a b0 | b1 b2 | b3 b4
  ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kReuse, kDecode}));
  EXPECT_EQ(plan.kept_shards, (Numbers{0, 1})) << "the last one may have had room left";
  EXPECT_EQ(plan.done_videos, 1);
  EXPECT_EQ(plan.next_video_chunks, 3);
  rule_.max_frames = kFull + 1;  // none of these chunks is full now
  EXPECT_TRUE(Plan().kept_shards.empty());
}

TEST_F(ReusePlanTest, TheLastChunkOfAnIncompleteVideoIsNotKept) {
  Input({"a", "b"});
  auto a = Video("a", 2);
  a[0].version = 2;  // its first chunk is of another file version
  AddShards(a + Video("b", 2), 1);
  EXPECT_EQ(Plan().plans, (Plans{kDecode, kReuse}));
  EXPECT_TRUE(Plan().kept_shards.empty());
}

TEST_F(ReusePlanTest, AnotherMinFramesDecodesOnlyVideosWhoseChunksItChanges) {
  Input({"short", "even", "rest", "left"});
  rule_.min_frames = 4;
  auto left = Video("left", 2);  // 3 frames after it were left out
  left[1].left_out = 3;
  AddShards(Video("short", 1, 2) + Video("even", 2) + Video("rest", 2, 5) + left, 7);
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse, kReuse}));
  rule_.min_frames = 5;
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse, kReuse}));
  rule_.min_frames = 6;  // the rest of 5 is too short now
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kDecode, kReuse}));
  rule_.min_frames = 3;  // the 3 frames are a chunk now
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse, kDecode}));
  rule_.min_frames = 4;
  rule_.overlap = 1;  // with the shared frame of the chunk before, they are 4
  EXPECT_EQ(Plan().plans, (Plans{kReuse, kReuse, kReuse, kDecode}));
}

TEST_F(ReusePlanTest, VideosWithoutSamplesAreSkipped) {
  Input({"x", "a", "y", "b", "z"});
  none_ = {true, false, true, false, true};
  AddShards(Video("a", 2) + Video("b", 1), 2);
  const ReusePlan plan = Plan();
  EXPECT_EQ(plan.plans, (Plans{kNoSamples, kReuse, kNoSamples, kReuse, kNoSamples}));
  EXPECT_EQ(plan.kept_shards, (Numbers{0, 1}));
  EXPECT_EQ(plan.done_videos, 5);
  // Stored samples count more than the log.
  none_[1] = true;
  EXPECT_EQ(Plan().plans[1], kReuse);
  shards_.clear();
  Input({"x", "y"});
  none_ = {true, true};
  EXPECT_EQ(Plan().done_videos, 2);
}

// Compares with the definition: list the samples of a fresh preparation, cut the list into shards,
// and keep the shards before the first one that holds a sample of a changed video.
TEST_F(ReusePlanTest, KeptShardsAreTheLongestPrefixThatAFreshPreparationWouldWrite) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    bytes_.clear();
    indexes_.clear();
    shards_.clear();
    std::vector<std::string> names;
    std::vector<Stored> samples;
    std::vector<int64_t> chunks;
    for (int i = 0; i < 8; ++i) {
      names.emplace_back(1, static_cast<char>('a' + i));
      chunks.push_back(static_cast<int64_t>(random() % 4));
      samples = samples + Video(names.back(), chunks.back(), 1 + random() % kFull);
    }
    const int64_t per_shard = 1 + static_cast<int64_t>(random() % 4);
    AddShards(samples, static_cast<size_t>(per_shard));
    Input(names);
    const size_t changed = random() % 9;  // 8: none
    int64_t same = 0;                     // samples before the changed video
    for (size_t i = 0; i < 8; ++i) {
      none_[i] = chunks[i] == 0 && i != changed;
      if (i == changed) versions_[i] = 2;
      if (i < changed) same += chunks[i];
    }
    const auto total = static_cast<int64_t>(samples.size());
    const bool all = changed == 8;
    const int64_t shards = (total + per_shard - 1) / per_shard;
    int64_t kept = all ? shards : std::min(same / per_shard, shards - 1);
    kept = std::max<int64_t>(kept, 0);
    const ReusePlan plan = Plan();
    EXPECT_EQ(static_cast<int64_t>(plan.kept_shards.size()), kept);
    int64_t open = std::min(kept * per_shard, total);
    size_t done = 0;
    for (; done < changed && chunks[done] <= open; ++done) open -= chunks[done];
    EXPECT_EQ(plan.done_videos, static_cast<int64_t>(done));
    EXPECT_EQ(plan.next_video_chunks, open);
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(plan.plans[i], i == changed ? kDecode : chunks[i] == 0 ? kNoSamples : kReuse);
    }
  }
}

}  // namespace
}  // namespace slimreel
