// One mapped shard and its index: every access is checked against the file.
//
// Who calls it: ShardDataset, verification. Threading: const methods from any thread.
#ifndef DATA_SHARD_SHARD_FILE_H_
#define DATA_SHARD_SHARD_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mapped_file.h"
#include "data/shard/index.h"
#include "data/shard/shard_types.h"

namespace slimreel {

class ShardFile {
 public:
  // Maps the tar and its index; where there is no index, makes one in memory.
  // Errors name the file: NotFound, DataLoss, FailedPrecondition.
  static absl::StatusOr<std::unique_ptr<ShardFile>> Open(const std::string& tar_path);

  const std::string& path() const { return tar_->path(); }
  const MappedFile& tar() const { return *tar_; }
  const IndexView& index() const { return index_; }

  // The member's bytes, after a look at the tar header before them.
  absl::StatusOr<std::string_view> Content(int64_t sample, const IndexMember& member) const;
  // NotFound where the sample has none such.
  absl::StatusOr<IndexMember> Find(int64_t sample, MemberKind kind, uint32_t ordinal) const;
  // [T, H, W, 3], as the index states them.
  absl::StatusOr<FramesView> Frames(int64_t sample) const;
  // [M, T, V, 3], T as the index states it.
  absl::StatusOr<KeypointsView> Keypoints(int64_t sample) const;
  // Hashes of all members of a sample, and the shapes of its frames and keypoints.
  absl::Status Verify(int64_t sample) const;

  // "<path>, sample 3 (<key>): <what>" as DataLoss.
  absl::Status Damaged(int64_t sample, absl::string_view what) const;

 private:
  ShardFile() = default;
  std::unique_ptr<MappedFile> tar_;
  std::unique_ptr<MappedFile> index_file_;  // null: rebuilt
  std::string rebuilt_;
  IndexView index_;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_FILE_H_
