// Makes the index of a tar that has none, or checks one: reads every header and
// every JSON once. Shards of WebDataset with the same members become readable.
//
// Who calls it: the reader (missing .idx), verification.
#ifndef DATA_SHARD_REBUILD_INDEX_H_
#define DATA_SHARD_REBUILD_INDEX_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace slimreel {

// The bytes of the index, without hashes. DataLoss (without a path): no whole
// tar, a member without a key, a sample whose members are apart or whose JSON
// or frames cannot be read.
absl::StatusOr<std::string> RebuildIndex(std::string_view tar);

}  // namespace slimreel

#endif  // DATA_SHARD_REBUILD_INDEX_H_
