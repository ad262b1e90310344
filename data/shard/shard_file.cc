#include "data/shard/shard_file.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"
#include "data/shard/rebuild_index.h"
#include "data/shard/tar.h"

namespace slimreel {
namespace {

absl::Status WithPath(const std::string& path, const absl::Status& status,
                      absl::string_view remedy) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message(), remedy));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShardFile>> ShardFile::Open(const std::string& tar_path) {
  std::unique_ptr<ShardFile> shard(new ShardFile());
  SLIMREEL_ASSIGN_OR_RETURN(shard->tar_, MappedFile::Open(tar_path));
  const std::string_view tar = shard->tar_->bytes();
  auto index_file = MappedFile::Open(IndexPathOf(tar_path));
  if (index_file.ok()) {
    shard->index_file_ = *std::move(index_file);
    auto index = IndexView::Parse(shard->index_file_->bytes(), tar.size());
    if (!index.ok()) {
      return WithPath(
          shard->index_file_->path(), index.status(),
          "; if the tar is intact, delete the .idx file: readers then rebuild the index in memory");
    }
    shard->index_ = *index;
    return shard;
  }
  if (!absl::IsNotFound(index_file.status())) return index_file.status();
  auto rebuilt = RebuildIndex(tar);
  if (!rebuilt.ok()) return WithPath(tar_path, rebuilt.status(), "; prepare this shard again");
  shard->rebuilt_ = *std::move(rebuilt);
  SLIMREEL_ASSIGN_OR_RETURN(shard->index_, IndexView::Parse(shard->rebuilt_, tar.size()));
  return shard;
}

absl::Status ShardFile::Damaged(int64_t sample, absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(path(), ", sample ", sample, " (",
                                          std::string(index_.sample(sample).key), "): ", what));
}

absl::StatusOr<std::string_view> ShardFile::Content(int64_t sample,
                                                    const IndexMember& member) const {
  const std::string_view tar = tar_->bytes();
  uint64_t size = 0;
  // The size is 0 if a pax header before it carries a large size.
  if (!IsTarFileHeader(tar.substr(member.offset - kTarBlock, kTarBlock), &size) ||
      (size != member.length && size != 0)) {
    return Damaged(sample, absl::StrCat("member ", std::string(MemberKindName(member.kind)),
                                        ": the tar header does not match the index"));
  }
  return tar.substr(member.offset, member.length);
}

absl::StatusOr<IndexMember> ShardFile::Find(int64_t sample, MemberKind kind,
                                            uint32_t ordinal) const {
  const IndexView::Range range = index_.members_of(sample);
  for (uint64_t i = range.first; i < range.first + range.count; ++i) {
    const IndexMember member = index_.member(i);
    if (member.kind == kind && member.ordinal == ordinal) return member;
  }
  return absl::NotFoundError(absl::StrCat(path(), ", sample ", sample, " (",
                                          std::string(index_.sample(sample).key), ") has no ",
                                          std::string(MemberKindName(kind)), " member"));
}

absl::StatusOr<FramesView> ShardFile::Frames(int64_t sample) const {
  SLIMREEL_ASSIGN_OR_RETURN(const IndexMember member, Find(sample, MemberKind::kFrames, 0));
  SLIMREEL_ASSIGN_OR_RETURN(const std::string_view content, Content(sample, member));
  const auto npy = ParseNpy(content);
  if (!npy.ok()) return Damaged(sample, npy.status().message());
  const IndexSample facts = index_.sample(sample);
  const std::vector<int64_t> expected = {facts.num_frames, facts.height, facts.width, 3};
  if (npy->type != NpyType::kUint8 || npy->shape != expected) {
    return Damaged(sample, "the shape or type of its frames differs from the index");
  }
  return FramesView{reinterpret_cast<const uint8_t*>(npy->data.data()), facts.num_frames,
                    facts.height, facts.width};
}

absl::StatusOr<KeypointsView> ShardFile::Keypoints(int64_t sample) const {
  SLIMREEL_ASSIGN_OR_RETURN(const IndexMember member, Find(sample, MemberKind::kKeypoints, 0));
  SLIMREEL_ASSIGN_OR_RETURN(const std::string_view content, Content(sample, member));
  const auto npy = ParseNpy(content);
  if (!npy.ok()) return Damaged(sample, npy.status().message());
  const std::vector<int64_t>& shape = npy->shape;
  const int64_t num_frames = index_.sample(sample).num_frames;
  if (npy->type != NpyType::kFloat32 || shape.size() != 4 || shape[1] != num_frames ||
      shape[3] != 3) {
    return Damaged(
        sample, absl::StrCat("its keypoints (", absl::StrJoin(shape, ", "), ") are not (persons, ",
                             num_frames, ", joints, 3) of float32"));
  }
  if (reinterpret_cast<uintptr_t>(npy->data.data()) % alignof(float) != 0) {
    return Damaged(sample, "its keypoints are not aligned to 4 bytes");
  }
  return KeypointsView{reinterpret_cast<const float*>(npy->data.data()), shape[0], shape[1],
                       shape[2]};
}

absl::Status ShardFile::Verify(int64_t sample) const {
  const IndexView::Range range = index_.members_of(sample);
  for (uint64_t i = range.first; i < range.first + range.count; ++i) {
    const IndexMember member = index_.member(i);
    SLIMREEL_ASSIGN_OR_RETURN(const std::string_view content, Content(sample, member));
    if (member.has_hash && HashContent(content) != member.hash) {
      return Damaged(sample, absl::StrCat("member ", std::string(MemberKindName(member.kind)),
                                          " at byte ", member.offset, ": its hash does not match"));
    }
    if (member.kind == MemberKind::kFrames) SLIMREEL_RETURN_IF_ERROR(Frames(sample).status());
    if (member.kind == MemberKind::kKeypoints) {
      SLIMREEL_RETURN_IF_ERROR(Keypoints(sample).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace slimreel
