// Checks that a folder holds all shards of a split. A preparation that is running or was
// stopped leaves intact shards, but not all of them.
#ifndef DATA_SHARD_SPLIT_CHECK_H_
#define DATA_SHARD_SPLIT_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/shard/dataset_info.h"

namespace slimreel {

// Checks that `split` is listed as complete. Call it before the shards are opened. `shards`: their
// paths, at least one. `info`: of the folder; null if there is none. If `info` is null or lists no
// split, the shards count as another program's. Errors have exit code 3 and name the remedy.
// Unavailable: the split is not completely prepared. FailedPrecondition: its parts were given
// different inputs.
absl::Status CheckSplitIsFinished(const std::string& folder, const std::string& split,
                                  const std::vector<std::string>& shards, const DatasetInfo* info);

// Checks that the shards hold what `info` counts. Call it after the shards are opened. DataLoss
// names both numbers.
absl::Status CheckSplitCounts(const std::string& folder, const std::string& split,
                              const SplitCounts& found, const DatasetInfo& info);

}  // namespace slimreel

#endif  // DATA_SHARD_SPLIT_CHECK_H_
