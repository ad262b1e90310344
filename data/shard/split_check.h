// Whether the shards of a split in a folder are all that belong to it. A preparation that is
// under way, or was stopped, leaves whole shards that are not yet the whole split.
#ifndef DATA_SHARD_SPLIT_CHECK_H_
#define DATA_SHARD_SPLIT_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/shard/dataset_info.h"

namespace slimreel {

// Before the shards are opened: `split` is listed as complete. `shards`: their paths. `info`:
// of the folder; null where it has none. One that lists no split counts nothing, like none (shards
// of another program). Both errors have exit code 3 and the remedy. Unavailable: the
// split is not completely prepared; FailedPrecondition: its parts were given other inputs.
absl::Status CheckSplitIsFinished(const std::string& folder, const std::string& split,
                                  const std::vector<std::string>& shards, const DatasetInfo* info);

// After: they hold what `info` counts. DataLoss names both numbers.
absl::Status CheckSplitCounts(const std::string& folder, const std::string& split,
                              const SplitCounts& found, const DatasetInfo& info);

}  // namespace slimreel

#endif  // DATA_SHARD_SPLIT_CHECK_H_
