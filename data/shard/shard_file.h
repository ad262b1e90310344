// One mapped shard and its index. Every access is checked against the file.
//
// Threading: const methods from any number of threads at once.
// Ownership: the ShardFile owns the mappings; views die with it.
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
  // Maps the tar and its index. If there is no index, it makes one in memory. Errors name the file.
  // NotFound: no tar. DataLoss: damaged. FailedPrecondition: a newer index format.
  static absl::StatusOr<std::unique_ptr<ShardFile>> Open(const std::string& tar_path);

  const std::string& path() const { return tar_->path(); }
  const MappedFile& tar() const { return *tar_; }
  const IndexView& index() const { return index_; }

  // The bytes of a member. DataLoss: the tar header before them does not match the index.
  absl::StatusOr<std::string_view> Content(int64_t sample, const IndexMember& member) const;
  // NotFound: the sample has no such member.
  absl::StatusOr<IndexMember> Find(int64_t sample, MemberKind kind, uint32_t ordinal) const;
  // [T, H, W, 3] uint8. DataLoss: T, H or W differ from the index.
  absl::StatusOr<FramesView> Frames(int64_t sample) const;
  // [M, T, V, 3] float32. DataLoss: T differs from the index.
  absl::StatusOr<KeypointsView> Keypoints(int64_t sample) const;
  // Checks the hashes of all members of a sample, and the shapes of its frames and keypoints.
  absl::Status Verify(int64_t sample) const;

  // Makes the DataLoss "<path>, sample 3 (<key>): <what>".
  absl::Status Damaged(int64_t sample, absl::string_view what) const;

 private:
  ShardFile() = default;
  std::unique_ptr<MappedFile> tar_;
  std::unique_ptr<MappedFile> index_file_;  // null: the index was rebuilt
  std::string rebuilt_;
  IndexView index_;
};

}  // namespace slimreel

#endif  // DATA_SHARD_SHARD_FILE_H_
