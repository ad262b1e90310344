// The dataset.json of a folder that several preparations may write into at the same time: the
// settings that its splits share, and updates that lose no split's counts.
//
// The splits of a folder share classes and options. A preparation claims its settings when it
// begins: it writes them into the note of its split's lock, so that the claim ends with the
// process. A preparation that starts later must use the same settings, or is refused. A process
// holds the folder's lock, briefly, while it reads claims, makes a claim or changes dataset.json.
//
// Threading: any. Processes exclude each other by the lock; machines do so if the file system
// carries flock between them.
#ifndef DATA_PIPELINE_SHARED_INFO_H_
#define DATA_PIPELINE_SHARED_INFO_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"
#include "data/pipeline/split_folder.h"
#include "data/pipeline/split_id.h"
#include "data/shard/dataset_info.h"

namespace slimreel {

// Makes the folder and locks the dataset file that `id` belongs to (each part has its own). Waits
// while another process holds the lock, and logs that it waits. CANCELLED: `stopped` (may be
// empty) returned true while it waited.
absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(
    const SplitId& id, const std::function<bool()>& stopped = {});

// The settings that the other splits of the folder fix.
struct OtherSplits {
  std::vector<std::string> names;    // empty: nothing is fixed
  std::vector<std::string> classes;  // empty: the other splits have no labels; any classes fit
  nlohmann::json preparation;
  std::string fingerprint;
  friend bool operator==(const OtherSplits&, const OtherSplits&) = default;
};

// The other splits in dataset.json. For a part: those in its own file and in the joined one.
// DataLoss: a file is damaged.
absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id);
// The same, and the splits that other processes are preparing. The claim of such a split replaces
// what the split published before. The caller holds the lock.
absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id);

// Claims `info` for the split, in the note of its lock. The caller holds dataset.json's lock.
absl::Status ClaimSplit(const DatasetInfo& info, SplitFolder* folder);

// True if dataset.json lists the split as complete, in this division or in another: a reader may
// be using its shards.
absl::StatusOr<bool> IsListed(const SplitId& id);

// Takes the lock and writes the split `id` into dataset.json, beside the other splits that are
// there at that time. With `counts` the split is complete, without it unfinished. If a part
// changes, its split is removed from the joined dataset.json, which no longer matches its parts.
// FailedPrecondition: other splits there have other classes or options than `info`, and no process
// is preparing them again; CANCELLED as in LockDatasetInfo.
absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const std::optional<SplitCounts>& counts,
                               const std::function<bool()>& stopped = {});

// Removes a split from its dataset file. Removes the file if it was the last split.
absl::Status RemoveSplitInfo(const SplitId& id, const std::function<bool()>& stopped = {});

}  // namespace slimreel

#endif  // DATA_PIPELINE_SHARED_INFO_H_
