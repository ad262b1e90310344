#include "data/pipeline/reuse_plan.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

// A stored sample that was made from a video of the input by the same recipe.
struct Candidate {
  int32_t video = 0;
  uint32_t chunk = 0;
  SampleRef at;
};

bool Before(const Candidate& a, const Candidate& b) {
  return std::tuple(a.video, a.chunk, a.at.shard, a.at.sample) <
         std::tuple(b.video, b.chunk, b.at.shard, b.at.sample);
}

std::vector<Candidate> FindCandidates(const ReuseRequest& request) {
  absl::flat_hash_map<std::string_view, int32_t> by_path;
  by_path.reserve(request.videos.size());
  for (size_t i = 0; i < request.videos.size(); ++i) {
    by_path.emplace(request.videos[i].source.path, static_cast<int32_t>(i));
  }
  std::vector<Candidate> candidates;
  for (size_t shard = 0; shard < request.shards.size(); ++shard) {
    const IndexView& index = *request.shards[shard].index;
    for (int64_t i = 0; i < index.num_samples(); ++i) {
      const IndexSample sample = index.sample(i);
      if (!sample.origin.known || sample.origin.recipe != request.recipe) continue;
      const auto video = by_path.find(sample.source);
      if (video == by_path.end()) continue;
      if (!request.same_files(static_cast<size_t>(video->second), sample.origin)) continue;
      candidates.push_back({video->second,
                            static_cast<uint32_t>(sample.origin.chunk),
                            {static_cast<int32_t>(shard), static_cast<int32_t>(i)}});
    }
  }
  std::sort(candidates.begin(), candidates.end(), Before);
  return candidates;
}

// True if this last chunk of a video is also the last one under today's rule.
bool IsStillLast(const IndexSample& sample, const ChunkRule& rule) {
  const int64_t left_out = sample.origin.left_out_frames;
  if (left_out > 0) return !rule.KeepsRest(left_out + rule.overlap, 1);
  return rule.KeepsRest(sample.num_frames, sample.origin.chunk);
}

// Appends one sample for each chunk of a video, chosen from its candidates [begin, end). If a
// chunk or the end is missing, returns false and appends nothing.
bool CollectWholeVideo(const ReuseRequest& request, const Candidate* begin, const Candidate* end,
                       std::vector<SampleRef>* samples) {
  const size_t before = samples->size();
  for (uint32_t chunk = 0;; ++chunk) {
    const SampleRef* middle = nullptr;
    for (; begin != end && begin->chunk == chunk; ++begin) {
      const IndexSample sample = request.shards[begin->at.shard].index->sample(begin->at.sample);
      if (!sample.origin.last_chunk) {
        if (middle == nullptr && request.rule.IsFull(sample.num_frames)) middle = &begin->at;
      } else if (IsStillLast(sample, request.rule)) {
        samples->push_back(begin->at);
        return true;
      }
    }
    if (middle == nullptr) break;
    samples->push_back(*middle);
  }
  samples->resize(before);
  return false;
}

// Fills the plan's kept_shards: compares the stored shards, number by number, with the samples that
// a preparation from scratch would write.
class KeptShardFinder {
 public:
  KeptShardFinder(const ReuseRequest& request, ReusePlan* plan) : request_(request), plan_(*plan) {}

  void Run() {
    for (int64_t number = 0;; ++number) {
      if (!KeepShardNumber(number)) break;
    }
    SkipCompleteVideos();
  }

 private:
  // Keeps the first stored shard of this number that fits.
  bool KeepShardNumber(int64_t number) {
    for (size_t i = 0; i < request_.shards.size(); ++i) {
      if (request_.shards[i].location.number != number ||
          !Fits(request_.shards[i], MayBePartlyFilled(i))) {
        continue;
      }
      plan_.kept_shards.push_back(static_cast<int32_t>(i));
      return true;
    }
    return false;
  }

  // The last shard in place, and the last staged one, may have room left: a preparation ended
  // there.
  bool MayBePartlyFilled(size_t shard) const {
    return shard + 1 == request_.shards.size() ||
           request_.shards[shard + 1].location.staged != request_.shards[shard].location.staged;
  }

  // True if the shard's samples are the next ones; then moves past them. False if a sample differs,
  // or if the shard would hold more samples now.
  bool Fits(const StoredShard& shard, bool may_be_partly_filled) {
    const int64_t videos = plan_.done_videos, chunks = plan_.next_video_chunks;
    bool fits = shard.index->num_samples() > 0;
    for (int64_t i = 0; fits && i < shard.index->num_samples(); ++i) {
      SkipCompleteVideos();
      fits = IsNextSample(shard.index->sample(i));
      if (fits) ++plan_.next_video_chunks;
    }
    if (fits && may_be_partly_filled) {
      SkipCompleteVideos();
      fits = AtEnd();
    }
    if (fits) return true;
    plan_.done_videos = videos;
    plan_.next_video_chunks = chunks;
    return false;
  }

  bool AtEnd() const { return plan_.done_videos == static_cast<int64_t>(request_.videos.size()); }

  // Moves past the videos whose chunks are all passed.
  void SkipCompleteVideos() {
    for (; !AtEnd(); ++plan_.done_videos, plan_.next_video_chunks = 0) {
      const auto video = static_cast<size_t>(plan_.done_videos);
      if (plan_.plans[video] == VideoPlan::kDecode ||
          plan_.num_samples(video) != plan_.next_video_chunks) {
        return;
      }
    }
  }

  bool IsNextSample(const IndexSample& sample) const {
    if (AtEnd()) return false;
    const auto number = static_cast<size_t>(plan_.done_videos);
    const SourceVideo& video = request_.videos[number];
    const SampleOrigin& origin = sample.origin;
    if (!origin.known || origin.recipe != request_.recipe || sample.source != video.source.path ||
        origin.chunk != plan_.next_video_chunks || sample.label != video.label ||
        sample.key != SampleKey(video.key, plan_.next_video_chunks) ||
        !request_.same_files(number, origin)) {
      return false;
    }
    if (plan_.plans[number] == VideoPlan::kDecode) {
      return request_.keep_partial_videos && !origin.last_chunk &&
             request_.rule.IsFull(sample.num_frames);
    }
    const bool last = plan_.next_video_chunks + 1 == plan_.num_samples(number);
    return origin.last_chunk == last && (!last || IsStillLast(sample, request_.rule));
  }

  const ReuseRequest& request_;
  ReusePlan& plan_;
};

}  // namespace

ReusePlan PlanReuse(const ReuseRequest& request) {
  ReusePlan plan;
  const std::vector<Candidate> candidates = FindCandidates(request);
  const Candidate* next = candidates.data();
  const Candidate* const end = next + candidates.size();
  plan.plans.reserve(request.videos.size());
  plan.first.reserve(request.videos.size() + 1);
  plan.first.push_back(0);
  for (size_t i = 0; i < request.videos.size(); ++i) {
    const Candidate* const begin = next;
    while (next != end && next->video == static_cast<int32_t>(i)) ++next;
    const bool whole = CollectWholeVideo(request, begin, next, &plan.samples);
    plan.first.push_back(static_cast<int64_t>(plan.samples.size()));
    plan.plans.push_back(whole                            ? VideoPlan::kReuse
                         : request.has_no_samples(i)      ? VideoPlan::kNoSamples
                         : request.may_have_no_samples(i) ? VideoPlan::kRetry
                                                          : VideoPlan::kDecode);
  }
  KeptShardFinder(request, &plan).Run();
  return plan;
}

}  // namespace slimreel
