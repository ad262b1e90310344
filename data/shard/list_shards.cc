#include "data/shard/list_shards.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "data/shard/shard_types.h"

namespace slimreel {

absl::StatusOr<ShardPaths> ListShards(const std::string& folder, const std::string& split) {
  ShardPaths splits;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error == std::errc::not_a_directory) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, " is not a folder; give the folder that holds the shards"));
  }
  if (error) return SystemError(error.value(), "list", folder);
  for (const auto& entry : entries) {
    ShardName name;
    if (ParseShardName(entry.path().filename().string(), &name) &&
        (split.empty() || split == name.split)) {
      splits[name.split].push_back(entry.path().string());
    }
  }
  if (splits.empty()) {
    return absl::NotFoundError(absl::StrCat(
        folder, " holds no shards", split.empty() ? "" : absl::StrCat(" of split ", split), " (",
        split.empty() ? "<split>" : split, "-000000.tar); prepare writes them from videos"));
  }
  for (auto& [name, paths] : splits) std::sort(paths.begin(), paths.end());
  return splits;
}

}  // namespace slimreel
