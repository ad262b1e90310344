#include "data/shard/shard_reader.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/shard/index.h"
#include "data/shard/list_shards.h"
#include "data/shard/shard_file.h"
#include "data/shard/split_check.h"

namespace slimreel {
namespace {

class MappedShardDataset : public ShardDataset {
 public:
  absl::Status Init(const std::string& folder, const std::string& split);

  int64_t num_samples() const override { return static_cast<int64_t>(shard_of_.size()); }
  const std::string& split() const override { return split_; }
  const std::vector<std::string>& shards() const override { return paths_; }
  const std::vector<std::string>& videos() const override { return videos_; }
  const DatasetInfo& info() const override { return info_; }
  const std::vector<std::string>& classes() const override { return info_.classes; }
  SampleInfo sample(int64_t sample) const override;
  bool Has(int64_t sample, MemberKind kind) const override;
  uint64_t ContentId(int64_t sample) const override;
  uint64_t SourceId(int64_t sample) const override;
  absl::StatusOr<FramesView> Frames(int64_t sample) const override;
  absl::StatusOr<KeypointsView> Keypoints(int64_t sample) const override;
  absl::StatusOr<std::string_view> Member(int64_t sample, MemberKind kind,
                                          uint32_t ordinal) const override;
  absl::StatusOr<std::vector<MemberInfo>> Members(int64_t sample) const override;
  absl::StatusOr<nlohmann::json> Metadata(int64_t sample) const override;
  absl::Status Verify(int64_t sample) const override;
  void WillNeed(int64_t sample, int64_t first, int64_t count) const override;
  void DontNeed(int64_t sample) const override;

 private:
  struct Shard {
    std::unique_ptr<ShardFile> file;
    int64_t first_sample = 0;
    std::vector<int64_t> videos;  // number in videos_ by source number of the shard
  };
  absl::Status AddShard(const std::string& path, absl::flat_hash_map<std::string, int64_t>* known);
  // A hash of what the tar holds without an index: source, key, and the length, start and end of
  // the first member.
  uint64_t IdFromTar(const Shard& shard, int64_t local) const;
  const Shard& ShardOf(int64_t sample) const {
    return shards_[shard_of_[static_cast<size_t>(sample)]];
  }

  std::string split_;
  std::vector<std::string> paths_;
  std::vector<Shard> shards_;
  std::vector<uint32_t> shard_of_;  // shard of each sample, for access without a search
  std::vector<std::string> videos_;
  DatasetInfo info_;
  SplitCounts counts_;  // of the opened shards
};

absl::Status MappedShardDataset::Init(const std::string& folder, const std::string& split) {
  SLIMREEL_ASSIGN_OR_RETURN(auto splits, ListShards(folder));
  auto found = splits.find(split);
  if (found == splits.end()) {
    if (splits.size() > 1) {
      const std::string have = absl::StrJoin(splits, ", ", [](std::string* out, const auto& entry) {
        absl::StrAppend(out, entry.first);
      });
      return absl::NotFoundError(
          absl::StrCat(folder, " has no shards of split '", split, "'; it has the splits ", have));
    }
    found = splits.begin();
  }
  split_ = found->first;
  paths_ = found->second;
  auto info = ReadDatasetInfo(folder);
  if (info.ok()) {
    info_ = *std::move(info);
  } else if (!absl::IsNotFound(info.status())) {
    return info.status();
  }
  SLIMREEL_RETURN_IF_ERROR(
      CheckSplitIsFinished(folder, split_, paths_, info.ok() ? &info_ : nullptr));
  absl::flat_hash_map<std::string, int64_t> known;
  for (const std::string& path : paths_) SLIMREEL_RETURN_IF_ERROR(AddShard(path, &known));
  return info.ok() ? CheckSplitCounts(folder, split_, counts_, info_) : absl::OkStatus();
}

absl::Status MappedShardDataset::AddShard(const std::string& path,
                                          absl::flat_hash_map<std::string, int64_t>* known) {
  Shard shard;
  SLIMREEL_ASSIGN_OR_RETURN(shard.file, ShardFile::Open(path));
  shard.first_sample = num_samples();
  const IndexView& index = shard.file->index();
  ++counts_.shards;
  counts_.samples += index.num_samples();
  counts_.bytes += static_cast<int64_t>(shard.file->tar().bytes().size());
  for (int64_t i = 0; i < index.num_samples(); ++i) {
    const IndexSample sample = index.sample(i);
    counts_.frames += sample.num_frames;
    if (!classes().empty() && sample.label >= static_cast<int64_t>(classes().size())) {
      return shard.file->Damaged(i, absl::StrCat("its label is ", sample.label, ", but there are ",
                                                 classes().size(), " classes"));
    }
    if (sample.source_number < shard.videos.size()) continue;
    const auto [video, is_new] = known->emplace(std::string(sample.source), videos_.size());
    if (is_new) videos_.emplace_back(sample.source);
    shard.videos.push_back(video->second);
  }
  shard_of_.resize(shard_of_.size() + static_cast<size_t>(index.num_samples()),
                   static_cast<uint32_t>(shards_.size()));
  shards_.push_back(std::move(shard));
  return absl::OkStatus();
}

SampleInfo MappedShardDataset::sample(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  const IndexSample facts = shard.file->index().sample(sample - shard.first_sample);
  return {facts.key,
          facts.label,
          facts.num_frames,
          facts.height,
          facts.width,
          shard.videos[facts.source_number],
          shard_of_[static_cast<size_t>(sample)]};
}

bool MappedShardDataset::Has(int64_t sample, MemberKind kind) const {
  const Shard& shard = ShardOf(sample);
  return shard.file->Find(sample - shard.first_sample, kind, 0).ok();
}

uint64_t MappedShardDataset::ContentId(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  const int64_t local = sample - shard.first_sample;
  for (const MemberKind kind : {MemberKind::kFrames, MemberKind::kKeypoints}) {
    const auto member = shard.file->Find(local, kind, 0);
    if (member.ok() && member->has_hash) return member->hash.low;
  }
  return IdFromTar(shard, local);
}

uint64_t MappedShardDataset::SourceId(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  const int64_t local = sample - shard.first_sample;
  const SampleOrigin origin = shard.file->index().sample(local).origin;
  if (!origin.known || origin.video.size_bytes < 0) return IdFromTar(shard, local);
  return HashContent(absl::StrCat("video ", origin.video.size_bytes, " ", origin.video.digest)).low;
}

// Names do not suffice: other programs number the samples of each folder from 0.
uint64_t MappedShardDataset::IdFromTar(const Shard& shard, int64_t local) const {
  constexpr size_t kEnd = 4096;
  const IndexView& index = shard.file->index();
  const IndexSample facts = index.sample(local);
  std::string mark(facts.source);
  mark.append(1, '\0').append(facts.key).append(1, '\0');
  const IndexView::Range range = index.members_of(local);
  for (uint64_t i = range.first; i < range.first + range.count; ++i) {
    const IndexMember member = index.member(i);
    if (member.kind == MemberKind::kJson) continue;
    const auto content = shard.file->Content(local, member);
    if (!content.ok()) break;  // reading the sample will report it
    const size_t end = std::min(content->size(), kEnd);
    mark.append(std::to_string(content->size())).append(1, '\0');
    mark.append(content->substr(0, end)).append(content->substr(content->size() - end));
    break;
  }
  return HashContent(mark).low;
}

absl::StatusOr<FramesView> MappedShardDataset::Frames(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  return shard.file->Frames(sample - shard.first_sample);
}

absl::StatusOr<KeypointsView> MappedShardDataset::Keypoints(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  return shard.file->Keypoints(sample - shard.first_sample);
}

absl::StatusOr<std::string_view> MappedShardDataset::Member(int64_t sample, MemberKind kind,
                                                            uint32_t ordinal) const {
  const Shard& shard = ShardOf(sample);
  const int64_t local = sample - shard.first_sample;
  SLIMREEL_ASSIGN_OR_RETURN(const IndexMember member, shard.file->Find(local, kind, ordinal));
  return shard.file->Content(local, member);
}

absl::StatusOr<std::vector<MemberInfo>> MappedShardDataset::Members(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  const int64_t local = sample - shard.first_sample;
  const IndexView::Range range = shard.file->index().members_of(local);
  std::vector<MemberInfo> members;
  for (uint64_t i = range.first; i < range.first + range.count; ++i) {
    const IndexMember member = shard.file->index().member(i);
    SLIMREEL_ASSIGN_OR_RETURN(const std::string_view content, shard.file->Content(local, member));
    members.push_back({member.kind, member.ordinal, content, member.offset});
  }
  return members;
}

absl::StatusOr<nlohmann::json> MappedShardDataset::Metadata(int64_t sample) const {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string_view text, Member(sample, MemberKind::kJson, 0));
  auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    const Shard& shard = ShardOf(sample);
    return shard.file->Damaged(sample - shard.first_sample, "its JSON cannot be parsed");
  }
  return json;
}

absl::Status MappedShardDataset::Verify(int64_t sample) const {
  const Shard& shard = ShardOf(sample);
  return shard.file->Verify(sample - shard.first_sample);
}

void MappedShardDataset::WillNeed(int64_t sample, int64_t first, int64_t count) const {
  const auto frames = Frames(sample);
  if (!frames.ok() || first < 0 || count <= 0 || first >= frames->num_frames) return;
  count = std::min(count, frames->num_frames - first);
  const MappedFile& tar = ShardOf(sample).file->tar();
  const char* begin = reinterpret_cast<const char*>(frames->frame(first));
  tar.WillNeed(static_cast<uint64_t>(begin - tar.bytes().data()),
               static_cast<uint64_t>(count * frames->frame_bytes()));
}

void MappedShardDataset::DontNeed(int64_t sample) const {
  const auto frames = Frames(sample);
  if (!frames.ok()) return;
  const MappedFile& tar = ShardOf(sample).file->tar();
  const char* begin = reinterpret_cast<const char*>(frames->data);
  tar.DontNeed(static_cast<uint64_t>(begin - tar.bytes().data()),
               static_cast<uint64_t>(frames->bytes()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShardDataset>> ShardDataset::Open(const std::string& folder,
                                                                 const std::string& split) {
  auto dataset = std::make_unique<MappedShardDataset>();
  SLIMREEL_RETURN_IF_ERROR(dataset->Init(folder, split));
  return dataset;
}

}  // namespace slimreel
