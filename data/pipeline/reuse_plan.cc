#include "data/pipeline/reuse_plan.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

// A stored sample that was made of a video of the input by the same recipe.
struct Candidate {
  int32_t video = 0;
  uint32_t chunk = 0;
  SampleAt at;
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

// Whether a last chunk would be the last one under today's shortest chunk, too.
bool IsStillLast(const IndexSample& sample, const ChunkRule& rule) {
  const int64_t left_out = sample.origin.left_out_frames;
  if (left_out > 0) return !rule.KeepsRest(left_out + rule.overlap, 1);
  return rule.KeepsRest(sample.num_frames, sample.origin.chunk);
}

// Appends one sample for each chunk of a video, out of its candidates [begin, end); takes them
// away again and says false where a chunk, or the end, is missing.
bool TakeWholeVideo(const ReuseRequest& request, const Candidate* begin, const Candidate* end,
                    std::vector<SampleAt>* samples) {
  const size_t before = samples->size();
  for (uint32_t chunk = 0;; ++chunk) {
    const SampleAt* inner = nullptr;
    for (; begin != end && begin->chunk == chunk; ++begin) {
      const IndexSample sample = request.shards[begin->at.shard].index->sample(begin->at.sample);
      if (!sample.origin.last_chunk) {
        if (inner == nullptr && request.rule.IsFull(sample.num_frames)) inner = &begin->at;
      } else if (IsStillLast(sample, request.rule)) {
        samples->push_back(begin->at);
        return true;
      }
    }
    if (inner == nullptr) break;
    samples->push_back(*inner);
  }
  samples->resize(before);
  return false;
}

// Goes over the shards in the order in which a fresh run would write them.
class Walk {
 public:
  Walk(const ReuseRequest& request, ReusePlan* plan) : request_(request), plan_(*plan) {}

  void Run() {
    for (int64_t number = 0;; ++number) {
      if (!TakeNumber(number)) break;
    }
    PassDone();
  }

 private:
  bool TakeNumber(int64_t number) {
    for (size_t i = 0; i < request_.shards.size(); ++i) {
      if (request_.shards[i].place.number != number || !Take(request_.shards[i], MayBeOpen(i))) {
        continue;
      }
      plan_.kept_shards.push_back(static_cast<int32_t>(i));
      return true;
    }
    return false;
  }

  // The last shard of its place may not be full: a run ended with it.
  bool MayBeOpen(size_t shard) const {
    return shard + 1 == request_.shards.size() ||
           request_.shards[shard + 1].place.staged != request_.shards[shard].place.staged;
  }

  // False, and nothing is gone over, where a sample differs or the shard would take more.
  bool Take(const StoredShard& shard, bool may_be_open) {
    const int64_t videos = plan_.done_videos, chunks = plan_.open_chunks;
    bool follows = shard.index->num_samples() > 0;
    for (int64_t i = 0; follows && i < shard.index->num_samples(); ++i) {
      PassDone();
      follows = Follows(shard.index->sample(i));
      if (follows) ++plan_.open_chunks;
    }
    if (follows && may_be_open) {
      PassDone();
      follows = AtEnd();
    }
    if (follows) return true;
    plan_.done_videos = videos;
    plan_.open_chunks = chunks;
    return false;
  }

  bool AtEnd() const { return plan_.done_videos == static_cast<int64_t>(request_.videos.size()); }

  // Past videos of which every chunk was gone over.
  void PassDone() {
    for (; !AtEnd(); ++plan_.done_videos, plan_.open_chunks = 0) {
      const auto video = static_cast<size_t>(plan_.done_videos);
      if (plan_.plans[video] == VideoPlan::kDecode ||
          plan_.num_samples(video) != plan_.open_chunks) {
        return;
      }
    }
  }

  bool Follows(const IndexSample& sample) const {
    if (AtEnd()) return false;
    const auto number = static_cast<size_t>(plan_.done_videos);
    const PreparedVideo& video = request_.videos[number];
    const SampleOrigin& origin = sample.origin;
    if (!origin.known || origin.recipe != request_.recipe || sample.source != video.source.path ||
        origin.chunk != plan_.open_chunks || sample.label != video.label ||
        sample.key != SampleKey(video.key, plan_.open_chunks) ||
        !request_.same_files(number, origin)) {
      return false;
    }
    if (plan_.plans[number] == VideoPlan::kDecode) {
      return request_.keep_open_chunks && !origin.last_chunk &&
             request_.rule.IsFull(sample.num_frames);
    }
    const bool last = plan_.open_chunks + 1 == plan_.num_samples(number);
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
    const bool whole = TakeWholeVideo(request, begin, next, &plan.samples);
    plan.first.push_back(static_cast<int64_t>(plan.samples.size()));
    plan.plans.push_back(whole                      ? VideoPlan::kTakeOver
                         : request.gives_none(i)    ? VideoPlan::kGivesNone
                         : request.may_give_none(i) ? VideoPlan::kTryAgain
                                                    : VideoPlan::kDecode);
  }
  Walk(request, &plan).Run();
  return plan;
}

}  // namespace slimreel
