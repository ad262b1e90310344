#include "data/pipeline/reuse_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

InputRecord Video(const std::string& name, int64_t chunks) {
  InputRecord input;
  input.path = "in/" + name + ".mp4";
  input.key = name;
  input.size_bytes = 100;
  input.outcome.chunks = chunks;
  return input;
}

// Inputs as a listing gives them: nothing is known of them yet.
std::vector<InputRecord> Listed(std::vector<InputRecord> videos) {
  for (InputRecord& video : videos) video.outcome = VideoOutcome();
  return videos;
}

// A complete run over `videos` whose shards hold `per_shard` samples each.
RunState RunOver(const std::vector<InputRecord>& videos, size_t per_shard) {
  RunState state;
  state.finished = videos;
  state.complete = true;
  for (const InputRecord& video : videos) {
    for (int64_t chunk = 0; chunk < video.outcome.chunks; ++chunk) {
      if (state.shards.empty() || state.shards.back().keys.size() == per_shard) {
        state.shards.emplace_back();
      }
      state.shards.back().keys.push_back(SampleKey(video.key, chunk));
    }
  }
  if (!state.shards.empty()) state.shards.back().closed_by_end = true;
  return state;
}

const std::vector<InputRecord>& Four() {
  static const auto* const kFour =
      new std::vector<InputRecord>{Video("a", 3), Video("b", 2), Video("c", 0), Video("d", 2)};
  return *kFour;  // shards of two: a0 a1 | a2 b0 | b1 d0 | d1
}

void ExpectAdopted(const Adoption& adopted, const Adoption& expected) {
  EXPECT_EQ(adopted.shards, expected.shards);
  EXPECT_EQ(adopted.samples, expected.samples);
  EXPECT_EQ(adopted.inputs, expected.inputs);
  EXPECT_EQ(adopted.open_chunks, expected.open_chunks);
}

TEST(ReusePlanTest, FullShardsStayAndTheOneThatTheEndClosedGoes) {
  ExpectAdopted(AdoptShards(Listed(Four()), RunOver(Four(), 2)), {3, 6, 3, 1});
}

TEST(ReusePlanTest, AShardWithAChangedVideoGoesAndAllAfterIt) {
  auto changed = Listed(Four());
  changed[1].mtime_ns = 7;
  ExpectAdopted(AdoptShards(changed, RunOver(Four(), 2)), {1, 2, 0, 2});
  auto relabelled = Listed(Four());
  relabelled[3].label = 1;
  ExpectAdopted(AdoptShards(relabelled, RunOver(Four(), 2)), {2, 4, 1, 1});
}

TEST(ReusePlanTest, AVideoThatIsNewInFrontMovesEverything) {
  auto more = Listed(Four());
  more.insert(more.begin(), Video("0", 0));
  ExpectAdopted(AdoptShards(more, RunOver(Four(), 2)), {0, 0, 0, 0});
}

TEST(ReusePlanTest, VideosWithoutSamplesAreNotLookedAtAgain) {
  const std::vector<InputRecord> rejected = {Video("x", 0), Video("y", 0)};
  ExpectAdopted(AdoptShards(Listed(rejected), RunOver(rejected, 2)), {0, 0, 2, 0});
}

TEST(ReusePlanTest, TheShardThatAKillLeftWithAnOpenVideoStays) {
  RunState state = RunOver(Four(), 2);
  state.complete = false;
  state.shards.resize(2);
  state.finished.resize(1);
  ExpectAdopted(AdoptShards(Listed(Four()), state), {1, 2, 0, 2});  // nothing vouches for b0
  state.shards[1].open_input = Listed(Four())[1];
  ExpectAdopted(AdoptShards(Listed(Four()), state), {2, 4, 1, 1});
  auto changed = Listed(Four());
  changed[1].size_bytes = 7;
  ExpectAdopted(AdoptShards(changed, state), {1, 2, 0, 2});
}

// Against the definition: the samples of a fresh run as one list of keys, cut
// where the first changed video begins.
TEST(ReusePlanTest, AdoptedIsTheLongestRunOfShardsThatAFreshRunWouldWrite) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    std::vector<InputRecord> videos;
    for (int i = 0; i < 8; ++i) videos.push_back(Video(std::string(1, 'a' + i), random() % 4));
    const RunState state = RunOver(videos, 1 + random() % 4);
    auto now = Listed(videos);
    const size_t changed = random() % 9;  // 8: none
    if (changed < 8) now[changed].mtime_ns = 1;
    int64_t unchanged_samples = 0;
    for (size_t i = 0; i < changed && i < 8; ++i) unchanged_samples += videos[i].outcome.chunks;
    Adoption expected;
    for (const ShardRecord& shard : state.shards) {
      const int64_t end = expected.samples + shard.keys.size();
      if (shard.closed_by_end || end > unchanged_samples) break;
      ++expected.shards;
      expected.samples = end;
    }
    expected.open_chunks = expected.samples;
    while (expected.inputs < static_cast<int64_t>(std::min<size_t>(changed, 8)) &&
           videos[expected.inputs].outcome.chunks <= expected.open_chunks) {
      expected.open_chunks -= videos[expected.inputs++].outcome.chunks;
    }
    ExpectAdopted(AdoptShards(now, state), expected);
  }
}

TEST(ReusePlanTest, NothingChangedMeansTheSameVideosInOrderAfterACompleteRun) {
  const RunState state = RunOver(Four(), 2);
  EXPECT_TRUE(NothingChanged(Listed(Four()), state));
  RunState killed = state;
  killed.complete = false;
  EXPECT_FALSE(NothingChanged(Listed(Four()), killed));
  auto other = Listed(Four());
  std::swap(other[0], other[1]);
  EXPECT_FALSE(NothingChanged(other, state));
  other = Listed(Four());
  other.pop_back();
  EXPECT_FALSE(NothingChanged(other, state));
  other = Listed(Four());
  other[2].key = "c_1";
  EXPECT_FALSE(NothingChanged(other, state));
}

}  // namespace
}  // namespace slimreel
