#include "data/pipeline/prior_work.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "data/annotations/keypoint_file.h"
#include "data/shard/shard_types.h"

namespace slimreel {
namespace {

// The member "outcome" of the JSON of a video's last chunk.
VideoOutcome StoredOutcome(const ShardFile& file, int64_t sample) {
  VideoOutcome outcome;
  const auto member = file.Find(sample, MemberKind::kJson, 0);
  if (!member.ok()) return outcome;
  const auto content = file.Content(sample, *member);
  if (!content.ok()) return outcome;
  const auto json =
      nlohmann::json::parse(content->begin(), content->end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("outcome") || !json["outcome"].is_object()) {
    return outcome;
  }
  const auto& stored = json["outcome"];
  const auto text = [&stored](const char* key, std::string* field) {
    const auto found = stored.find(key);
    if (found != stored.end() && found->is_string()) found->get_to(*field);
  };
  text("status", &outcome.status);
  text("reason", &outcome.reason);
  text("message", &outcome.message);
  const auto decoded = stored.find("frames_decoded");
  if (decoded != stored.end() && decoded->is_number_integer()) {
    decoded->get_to(outcome.frames_decoded);
  }
  return outcome;
}

}  // namespace

PriorWork::PriorWork(const SplitFolder& folder, const std::vector<PreparedVideo>& videos,
                     const std::unordered_set<std::string>& other_paths, uint64_t recipe,
                     const ChunkRule& rule, const ReuseLimits& limits,
                     const std::function<bool()>& interrupted)
    : videos_(videos),
      recipe_(recipe),
      rule_(rule),
      memory_(videos.size()),
      stored_before_(videos.size()),
      limits_(limits),
      interrupted_(interrupted) {
  all_away_ = std::none_of(videos.begin(), videos.end(),
                           [](const PreparedVideo& video) { return video.source.look.there(); });
  OpenShards(folder);
  {
    ByPath by_path;
    by_path.reserve(videos.size());
    for (size_t i = 0; i < videos.size(); ++i) by_path.emplace(videos[i].source.path, i);
    ReadLog(PrepareLogPath(folder.id()), by_path, other_paths);
    FindRemovedSources(by_path, other_paths);
  }
  plan_ = PlanReuse(
      {.videos = videos_,
       .shards = stored_,
       .recipe = recipe_,
       .rule = rule,
       .same_files = [this](size_t v, const SampleOrigin& origin) { return SameFiles(v, origin); },
       .gives_none = [this](size_t video) { return GivesNone(video); },
       .may_give_none = [this](size_t video) { return MayGiveNone(video); },
       .keep_open_chunks = limits.keep_open_chunks});
  for (size_t i = 0; i < videos.size(); ++i) ResolveOutcome(i);
  for (const auto& file : files_) file->tar().DontNeed(0, file->tar().bytes().size());
}

PriorWork::~PriorWork() = default;

void PriorWork::OpenShards(const SplitFolder& folder) {
  for (const PlacedShard& place : folder.Shards()) {
    // A tar whose index was not published yet is no complete shard.
    std::error_code ignored;
    if (!std::filesystem::exists(IndexPathOf(place.path), ignored)) continue;
    auto file = ShardFile::Open(place.path);
    if (!file.ok()) continue;
    const IndexView& index = (*file)->index();
    has_shards_without_origin_ =
        has_shards_without_origin_ || (index.num_samples() > 0 && !index.sample(0).origin.known);
    stored_.push_back({place, &index});
    files_.push_back(*std::move(file));
  }
}

void PriorWork::ReadLog(const std::string& path, const ByPath& by_path,
                        const std::unordered_set<std::string>& other_paths) {
  absl::flat_hash_map<std::string, LoggedVideo> removed;
  ReadPrepareLog(path, [&](LoggedVideo line) {
    const auto video = by_path.find(line.path);
    if (video != by_path.end()) {
      memory_[video->second] = {true,
                                line.recipe,
                                line.look,
                                line.keypoint_look,
                                {line.look, line.digest},
                                {line.keypoint_look, line.keypoint_digest},
                                std::move(line.outcome)};
    } else if (other_paths.count(line.path) == 0) {
      removed.insert_or_assign(line.path, std::move(line));
    }
  });
  for (auto& [name, line] : removed) removed_.push_back(std::move(line));
}

// Where the log is lost, the shards still know.
void PriorWork::FindRemovedSources(const ByPath& by_path,
                                   const std::unordered_set<std::string>& other_paths) {
  absl::flat_hash_set<std::string> seen;
  for (const LoggedVideo& video : removed_) seen.insert(video.path);
  for (const StoredShard& shard : stored_) {
    for (int64_t i = 0; i < shard.index->num_samples(); ++i) {
      const IndexSample sample = shard.index->sample(i);
      if (const auto video = by_path.find(sample.source); video != by_path.end()) {
        stored_before_[video->second] = true;
        continue;
      }
      if (!sample.origin.known || sample.origin.chunk > 0) continue;
      std::string path(sample.source);
      if (other_paths.count(path) > 0 || !seen.insert(path).second) continue;
      removed_.emplace_back().path = std::move(path);
    }
  }
  std::sort(removed_.begin(), removed_.end(),
            [](const LoggedVideo& a, const LoggedVideo& b) { return a.path < b.path; });
}

bool PriorWork::IsAway(size_t video) const {
  return !videos_[video].source.look.there() && plan_.plans[video] == VideoPlan::kTakeOver;
}

// Whether `path`, as `look` saw it, is the file of `mark`. A digest that was taken of the same
// look is not taken again.
bool PriorWork::SameFile(const std::string& path, const FileLook& look, const FileMark& mark,
                         KnownDigest* digest) const {
  if (interrupted_ && interrupted_()) return false;
  if (look.size_bytes != mark.size_bytes || look.mtime_ns != mark.mtime_ns) return false;
  if (digest->value == 0 || digest->look != look) {
    const auto read = DigestOf(path);
    // It cannot be read now, and size and time are the same: nothing speaks against it.
    if (!read.ok()) return true;
    *digest = {look, *read};
  }
  return digest->value == mark.digest;
}

bool PriorWork::SameFiles(size_t video, const SampleOrigin& origin) {
  const SourceFiles& source = videos_[video].source;
  Memory& memory = memory_[video];
  if (!source.look.there()) {
    // Its samples stand for it until it can be looked at again; those of one version. An
    // input that is away as a whole is an error.
    if (all_away_) return false;
    const SampleOrigin& first = away_.try_emplace(video, origin).first->second;
    return first.video == origin.video && first.keypoints == origin.keypoints;
  }
  if (!SameFile(source.path, source.look, origin.video, &memory.digest)) return false;
  if (!source.keypoint_look.there()) return origin.keypoints.size_bytes < 0;
  return SameFile(KeypointPathOf(source.path), source.keypoint_look, origin.keypoints,
                  &memory.keypoint_digest);
}

bool PriorWork::GivesNone(size_t video) const {
  const Memory& memory = memory_[video];
  const SourceFiles& source = videos_[video].source;
  return memory.logged && source.look.there() && memory.recipe == recipe_ &&
         memory.outcome.chunks == 0 && MayBeRemembered(memory.outcome) &&
         memory.look == source.look && memory.keypoint_look == source.keypoint_look;
}

bool PriorWork::MayGiveNone(size_t video) const {
  if (limits_.giving_samples.count(video) > 0) return false;
  const Memory& memory = memory_[video];
  const SourceFiles& source = videos_[video].source;
  if (!source.look.there()) return true;
  return memory.logged && memory.recipe == recipe_ && memory.outcome.chunks == 0 &&
         memory.look == source.look && memory.keypoint_look == source.keypoint_look;
}

int64_t PriorWork::num_lost_if_published() const {
  int64_t lost = 0;
  for (size_t i = 0; i < videos_.size() && !all_away_; ++i) {
    const bool away = !videos_[i].source.look.there();
    if (away && stored_before_[i] && plan_.plans[i] != VideoPlan::kTakeOver) ++lost;
  }
  return lost;
}

// What the log does not say of samples that stand, the samples do.
void PriorWork::ResolveOutcome(size_t video) {
  Memory& memory = memory_[video];
  const int64_t samples = plan_.num_samples(video);
  const bool told = memory.logged && memory.recipe == recipe_ && memory.outcome.chunks == samples &&
                    memory.look == videos_[video].source.look &&
                    memory.keypoint_look == videos_[video].source.keypoint_look;
  if (samples == 0 || told) return;
  const SampleAt last = plan_.samples[static_cast<size_t>(plan_.first[video + 1] - 1)];
  VideoOutcome outcome = StoredOutcome(file(last.shard), last.sample);
  // Of a shard that was gone through, no page is wanted any more.
  if (last.sample + 1 == stored_[last.shard].index->num_samples()) {
    const MappedFile& tar = file(last.shard).tar();
    tar.DontNeed(0, tar.bytes().size());
  }
  outcome.chunks = samples;
  outcome.left_out_frames = stored_[last.shard].index->sample(last.sample).origin.left_out_frames;
  for (int64_t i = plan_.first[video]; i < plan_.first[video + 1]; ++i) {
    const SampleAt at = plan_.samples[static_cast<size_t>(i)];
    outcome.frames += stored_[at.shard].index->sample(at.sample).num_frames;
  }
  outcome.frames -= (samples - 1) * rule_.overlap;
  memory.outcome = std::move(outcome);
}

LoggedVideo PriorWork::LogEntry(size_t video) const {
  const SourceFiles& source = videos_[video].source;
  const Memory& memory = memory_[video];
  LoggedVideo line;
  line.path = source.path;
  line.recipe = recipe_;
  line.look = source.look;
  line.keypoint_look = source.keypoint_look;
  if (memory.digest.look == source.look) line.digest = memory.digest.value;
  if (memory.keypoint_digest.look == source.keypoint_look) {
    line.keypoint_digest = memory.keypoint_digest.value;
  }
  line.outcome = OutcomeOf(video);
  return line;
}

}  // namespace slimreel
