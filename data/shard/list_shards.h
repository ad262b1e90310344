// Which shards a folder holds, by split.
#ifndef DATA_SHARD_LIST_SHARDS_H_
#define DATA_SHARD_LIST_SHARDS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// Split -> paths of its .tar files, in the order of their names.
using ShardPaths = std::map<std::string, std::vector<std::string>>;

// The shards of `split`, or of all splits if it is empty. Errors name the folder.
// InvalidArgument: it is a file. NotFound: it does not exist, or holds no such shards.
absl::StatusOr<ShardPaths> ListShards(const std::string& folder, const std::string& split = "");

}  // namespace slimreel

#endif  // DATA_SHARD_LIST_SHARDS_H_
