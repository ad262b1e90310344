// Decides which samples of earlier preparations can be reused for the inputs of this one, from the
// origins that the samples themselves store. Pure.
#ifndef DATA_PIPELINE_REUSE_PLAN_H_
#define DATA_PIPELINE_REUSE_PLAN_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "data/chunking/chunk_rule.h"
#include "data/pipeline/source_video.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/index.h"

namespace slimreel {

// A shard of an earlier preparation. The caller owns the index.
struct StoredShard {
  ShardLocation location;
  const IndexView* index = nullptr;
};

struct ReuseRequest {
  const std::vector<SourceVideo>& videos;
  const std::vector<StoredShard>& shards;  // in place by number, then staged by number
  uint64_t recipe = 0;
  ChunkRule rule;
  // True if a sample of this origin was made from today's files of the video number `video`.
  std::function<bool(size_t video, const SampleOrigin& origin)> same_files;
  // True if an earlier preparation found that the same files give no sample.
  std::function<bool(size_t video)> has_no_samples;
  // True if the same files gave no sample, for a reason that may be gone now. The video is tried
  // again; until then the plan assumes that it gives none.
  std::function<bool(size_t video)> may_have_no_samples;
  // True if the first chunks of a video may stay in place while the rest of it is decoded.
  bool keep_partial_videos = true;
};

struct SampleRef {
  int32_t shard = 0;   // index into ReuseRequest::shards
  int32_t sample = 0;  // in the shard
};

enum class VideoPlan : uint8_t { kDecode, kReuse, kNoSamples, kRetry };

struct ReusePlan {
  std::vector<VideoPlan> plans;    // by video
  std::vector<SampleRef> samples;  // of the reused videos, chunk by chunk
  // By video, and one more: the index into `samples` of the video's first one.
  std::vector<int64_t> first;

  // The shards that stay as they are: the longest sequence of full shards, by number from 0, whose
  // samples are exactly those that a preparation from scratch would put there.
  std::vector<int32_t> kept_shards;  // indexes into ReuseRequest::shards
  // The first so many videos need no more work: all of their samples are in kept_shards, or they
  // give (or may give) none.
  int64_t done_videos = 0;
  int64_t next_video_chunks = 0;  // chunks of the video after them that are in kept_shards too

  int64_t num_samples(size_t video) const { return first[video + 1] - first[video]; }
};

ReusePlan PlanReuse(const ReuseRequest& request);

}  // namespace slimreel

#endif  // DATA_PIPELINE_REUSE_PLAN_H_
