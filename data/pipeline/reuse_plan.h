// Which samples of earlier runs hold for the inputs of this one, decided from what the samples
// themselves say about their origin. Pure.
#ifndef DATA_PIPELINE_REUSE_PLAN_H_
#define DATA_PIPELINE_REUSE_PLAN_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "data/chunking/chunk_rule.h"
#include "data/pipeline/input_video.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/index.h"

namespace slimreel {

// A shard of an earlier run; the index is the caller's.
struct StoredShard {
  PlacedShard place;
  const IndexView* index = nullptr;
};

struct ReuseRequest {
  const std::vector<PreparedVideo>& videos;
  const std::vector<StoredShard>& shards;  // in place by number, then staged by number
  uint64_t recipe = 0;
  ChunkRule rule;
  // Whether a sample of this origin was made of the files of the video number `video`.
  std::function<bool(size_t video, const SampleOrigin& origin)> same_files;
  // Whether an earlier run found, of the same files, that they give no sample.
  std::function<bool(size_t video)> gives_none;
  // Whether it gave none for a reason that may pass: it is tried again, and counts as giving none
  // until then.
  std::function<bool(size_t video)> may_give_none;
  // Whether the first chunks of a video may stay in place while the rest of it is decoded.
  bool keep_open_chunks = true;
};

struct SampleAt {
  int32_t shard = 0;   // number in ReuseRequest::shards
  int32_t sample = 0;  // in the shard
};

enum class VideoPlan : uint8_t { kDecode, kTakeOver, kGivesNone, kTryAgain };

struct ReusePlan {
  std::vector<VideoPlan> plans;   // by video
  std::vector<SampleAt> samples;  // of videos that are taken over, chunk by chunk
  std::vector<int64_t> first;     // by video, and one more: where its samples begin

  // The shards that stay as they are: the longest run of full shards, by number from 0,
  // whose samples are exactly those that a fresh run would put there.
  std::vector<int32_t> kept_shards;  // numbers in ReuseRequest::shards
  int64_t done_videos = 0;  // whose samples all lie in these shards, or that (may) give none
  int64_t open_chunks = 0;  // chunks of the next video that lie there too

  int64_t num_samples(size_t video) const { return first[video + 1] - first[video]; }
};

ReusePlan PlanReuse(const ReuseRequest& request);

}  // namespace slimreel

#endif  // DATA_PIPELINE_REUSE_PLAN_H_
