#include "data/pipeline/split_folder.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/shard/shard_types.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

absl::Status Move(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? SystemError(error.value(), "move", from) : absl::OkStatus();
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// The folder where format 1 kept replaced shards.
std::string PreviousFolder(const SplitId& id) {
  return absl::StrCat(id.folder, "/.previous-", SplitName(id));
}

// Moves the index of each shard whose tar was moved and whose index was not, because of a kill.
absl::Status FinishMoves(const SplitId& id) {
  std::error_code error;
  std::vector<std::string> indexes;
  for (const auto& entry : fs::directory_iterator(StagingFolder(id), error)) {
    if (entry.path().extension() == ".idx") indexes.push_back(entry.path().string());
  }
  for (const std::string& index : indexes) {
    const std::string tar = fs::path(index).replace_extension(".tar").string();
    const std::string placed = id.folder + "/" + fs::path(tar).filename().string();
    if (Exists(tar) || !Exists(placed) || Exists(IndexPathOf(placed))) continue;
    SLIMREEL_RETURN_IF_ERROR(Move(index, IndexPathOf(placed)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SplitFolder>> SplitFolder::Open(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, FileLock::Try(SplitLockPath(id)));
  if (lock == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(id.folder, ": another process is preparing ", id.split,
                     " into this folder; wait for it to end, or use another --output"));
  }
  SLIMREEL_RETURN_IF_ERROR(lock->WriteNote(""));  // removes the claim of an earlier preparation
  auto opened = std::unique_ptr<SplitFolder>(new SplitFolder(id, std::move(lock)));
  SLIMREEL_RETURN_IF_ERROR(RemoveLeftovers(id.folder));
  if (Exists(StagingFolder(id))) SLIMREEL_RETURN_IF_ERROR(RemoveLeftovers(StagingFolder(id)));
  SLIMREEL_RETURN_IF_ERROR(FinishMoves(id));
  return opened;
}

std::vector<ShardLocation> SplitFolder::ShardsIn(const std::string& folder, bool staged) const {
  std::vector<ShardLocation> shards;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    ShardName name;
    if (ParseShardName(entry.path().filename().string(), &name) && name.split == id_.split &&
        name.part == id_.part && name.num_parts == id_.num_parts) {
      shards.push_back({entry.path().string(), name.number, staged});
    }
  }
  std::sort(shards.begin(), shards.end(),
            [](const ShardLocation& a, const ShardLocation& b) { return a.number < b.number; });
  return shards;
}

std::vector<ShardLocation> SplitFolder::Shards() const {
  std::vector<ShardLocation> shards = ShardsIn(id_.folder, /*staged=*/false);
  std::vector<ShardLocation> staged = ShardsIn(StagingFolder(id_), /*staged=*/true);
  shards.insert(shards.end(), staged.begin(), staged.end());
  return shards;
}

bool SplitFolder::IsPublished(const std::vector<ShardLocation>& shards) const {
  return std::none_of(shards.begin(), shards.end(),
                      [](const ShardLocation& shard) { return shard.staged; }) &&
         ShardsIn(id_.folder, false).size() == shards.size();
}

absl::Status SplitFolder::Publish(const std::vector<ShardLocation>& shards) const {
  std::set<int64_t> numbers;
  for (const ShardLocation& shard : shards) {
    numbers.insert(shard.number);
    if (!shard.staged) continue;
    const std::string to = ShardPath(id_, id_.folder, shard.number);
    // First remove the old index, so that no reader finds a tar with the index of another tar.
    SLIMREEL_RETURN_IF_ERROR(RemovePath(IndexPathOf(to)));
    SLIMREEL_RETURN_IF_ERROR(Move(shard.path, to));
    SLIMREEL_RETURN_IF_ERROR(Move(IndexPathOf(shard.path), IndexPathOf(to)));
  }
  for (const ShardLocation& shard : ShardsIn(id_.folder, false)) {
    if (numbers.count(shard.number) > 0) continue;
    SLIMREEL_RETURN_IF_ERROR(RemovePath(IndexPathOf(shard.path)));
    SLIMREEL_RETURN_IF_ERROR(RemovePath(shard.path));
  }
  SLIMREEL_RETURN_IF_ERROR(RemovePath(StagingFolder(id_)));
  return RemovePath(PreviousFolder(id_));
}

}  // namespace slimreel
