// Makes the index of a tar that has none. It reads every tar header and every JSON
// once. WebDataset shards with the same members become readable this way, and
// `verify` compares the result with the stored index. A pure function over memory.
#ifndef DATA_SHARD_REBUILD_INDEX_H_
#define DATA_SHARD_REBUILD_INDEX_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace slimreel {

// Returns the bytes of the index, without hashes. DataLoss (without a path): the tar is incomplete
// or damaged, a member has no key, the members of a sample are not contiguous, or a JSON or a
// frames array cannot be read.
absl::StatusOr<std::string> RebuildIndex(std::string_view tar);

}  // namespace slimreel

#endif  // DATA_SHARD_REBUILD_INDEX_H_
