#include "data/pipeline/previous_results.h"

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

PreviousResults::PreviousResults(const SplitFolder& folder, const std::vector<SourceVideo>& videos,
                                 const std::unordered_set<std::string>& other_paths,
                                 uint64_t recipe, const ChunkRule& rule, const ReuseLimits& limits,
                                 const std::function<bool()>& interrupted)
    : videos_(videos),
      recipe_(recipe),
      rule_(rule),
      records_(videos.size()),
      stored_before_(videos.size()),
      limits_(limits),
      interrupted_(interrupted) {
  all_missing_ = std::none_of(videos.begin(), videos.end(),
                              [](const SourceVideo& video) { return video.source.stat.exists(); });
  OpenShards(folder);
  {
    ByPath by_path;
    by_path.reserve(videos.size());
    for (size_t i = 0; i < videos.size(); ++i) by_path.emplace(videos[i].source.path, i);
    ReadLog(PrepareLogPath(folder.id()), by_path, other_paths);
    FindRemovedVideos(by_path, other_paths);
  }
  plan_ = PlanReuse(
      {.videos = videos_,
       .shards = stored_,
       .recipe = recipe_,
       .rule = rule,
       .same_files = [this](size_t v, const SampleOrigin& origin) { return SameFiles(v, origin); },
       .has_no_samples = [this](size_t video) { return HasNoSamples(video); },
       .may_have_no_samples = [this](size_t video) { return MayHaveNoSamples(video); },
       .keep_partial_videos = limits.keep_partial_videos});
  for (size_t i = 0; i < videos.size(); ++i) ResolveOutcome(i);
  for (const auto& file : files_) file->tar().DontNeed(0, file->tar().bytes().size());
}

PreviousResults::~PreviousResults() = default;

void PreviousResults::OpenShards(const SplitFolder& folder) {
  for (const ShardLocation& location : folder.Shards()) {
    // A tar without an index is not a complete shard.
    std::error_code ignored;
    if (!std::filesystem::exists(IndexPathOf(location.path), ignored)) continue;
    auto file = ShardFile::Open(location.path);
    if (!file.ok()) continue;
    const IndexView& index = (*file)->index();
    has_shards_without_origin_ =
        has_shards_without_origin_ || (index.num_samples() > 0 && !index.sample(0).origin.known);
    stored_.push_back({location, &index});
    files_.push_back(*std::move(file));
  }
}

void PreviousResults::ReadLog(const std::string& path, const ByPath& by_path,
                              const std::unordered_set<std::string>& other_paths) {
  absl::flat_hash_map<std::string, LoggedVideo> removed;
  ReadPrepareLog(path, [&](LoggedVideo line) {
    const auto video = by_path.find(line.path);
    if (video != by_path.end()) {
      records_[video->second] = {true,
                                 line.recipe,
                                 line.stat,
                                 line.keypoint_stat,
                                 {line.stat, line.digest},
                                 {line.keypoint_stat, line.keypoint_digest},
                                 std::move(line.outcome)};
    } else if (other_paths.count(line.path) == 0) {
      removed.insert_or_assign(line.path, std::move(line));
    }
  });
  for (auto& [name, line] : removed) removed_.push_back(std::move(line));
}

// Finds removed videos by the stored shards too, in case the log was lost.
void PreviousResults::FindRemovedVideos(const ByPath& by_path,
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

bool PreviousResults::IsMissing(size_t video) const {
  return !videos_[video].source.stat.exists() && plan_.plans[video] == VideoPlan::kReuse;
}

// True if the file at `path`, whose state is `stat`, is the one of `mark`. Reads the digest only
// if it is not known for this state.
bool PreviousResults::SameFile(const std::string& path, const FileStat& stat, const FileMark& mark,
                               KnownDigest* digest) const {
  if (interrupted_ && interrupted_()) return false;
  if (stat.size_bytes != mark.size_bytes || stat.mtime_ns != mark.mtime_ns) return false;
  if (digest->value == 0 || digest->stat != stat) {
    const auto read = FileDigest(path);
    // It cannot be read now, but size and time are the same.
    if (!read.ok()) return true;
    *digest = {stat, *read};
  }
  return digest->value == mark.digest;
}

bool PreviousResults::SameFiles(size_t video, const SampleOrigin& origin) {
  const SourceFiles& source = videos_[video].source;
  Record& record = records_[video];
  if (!source.stat.exists()) {
    // The file is missing. Its samples are kept, all of one version, until the file is back. If
    // all files of the input are missing, nothing is reused: that is an error.
    if (all_missing_) return false;
    const SampleOrigin& first = missing_origins_.try_emplace(video, origin).first->second;
    return first.video == origin.video && first.keypoints == origin.keypoints;
  }
  if (!SameFile(source.path, source.stat, origin.video, &record.digest)) return false;
  if (!source.keypoint_stat.exists()) return origin.keypoints.size_bytes < 0;
  return SameFile(KeypointPathOf(source.path), source.keypoint_stat, origin.keypoints,
                  &record.keypoint_digest);
}

bool PreviousResults::HasNoSamples(size_t video) const {
  const Record& record = records_[video];
  const SourceFiles& source = videos_[video].source;
  return record.logged && source.stat.exists() && record.recipe == recipe_ &&
         record.outcome.chunks == 0 && IsPermanent(record.outcome) && record.stat == source.stat &&
         record.keypoint_stat == source.keypoint_stat;
}

bool PreviousResults::MayHaveNoSamples(size_t video) const {
  if (limits_.videos_to_decode.count(video) > 0) return false;
  const Record& record = records_[video];
  const SourceFiles& source = videos_[video].source;
  if (!source.stat.exists()) return true;
  return record.logged && record.recipe == recipe_ && record.outcome.chunks == 0 &&
         record.stat == source.stat && record.keypoint_stat == source.keypoint_stat;
}

int64_t PreviousResults::num_lost_if_published() const {
  int64_t lost = 0;
  for (size_t i = 0; i < videos_.size() && !all_missing_; ++i) {
    const bool missing = !videos_[i].source.stat.exists();
    if (missing && stored_before_[i] && plan_.plans[i] != VideoPlan::kReuse) ++lost;
  }
  return lost;
}

// Takes the outcome of a reused video from its samples if the log does not have it.
void PreviousResults::ResolveOutcome(size_t video) {
  Record& record = records_[video];
  const int64_t samples = plan_.num_samples(video);
  const bool in_log = record.logged && record.recipe == recipe_ &&
                      record.outcome.chunks == samples &&
                      record.stat == videos_[video].source.stat &&
                      record.keypoint_stat == videos_[video].source.keypoint_stat;
  if (samples == 0 || in_log) return;
  const SampleRef last = plan_.samples[static_cast<size_t>(plan_.first[video + 1] - 1)];
  VideoOutcome outcome = StoredOutcome(file(last.shard), last.sample);
  // This was the last sample of the shard: its pages are not needed any more.
  if (last.sample + 1 == stored_[last.shard].index->num_samples()) {
    const MappedFile& tar = file(last.shard).tar();
    tar.DontNeed(0, tar.bytes().size());
  }
  outcome.chunks = samples;
  outcome.left_out_frames = stored_[last.shard].index->sample(last.sample).origin.left_out_frames;
  for (int64_t i = plan_.first[video]; i < plan_.first[video + 1]; ++i) {
    const SampleRef at = plan_.samples[static_cast<size_t>(i)];
    outcome.frames += stored_[at.shard].index->sample(at.sample).num_frames;
  }
  outcome.frames -= (samples - 1) * rule_.overlap;
  record.outcome = std::move(outcome);
}

LoggedVideo PreviousResults::LogEntry(size_t video) const {
  const SourceFiles& source = videos_[video].source;
  const Record& record = records_[video];
  LoggedVideo line;
  line.path = source.path;
  line.recipe = recipe_;
  line.stat = source.stat;
  line.keypoint_stat = source.keypoint_stat;
  if (record.digest.stat == source.stat) line.digest = record.digest.value;
  if (record.keypoint_digest.stat == source.keypoint_stat) {
    line.keypoint_digest = record.keypoint_digest.value;
  }
  line.outcome = OutcomeOf(video);
  return line;
}

}  // namespace slimreel
