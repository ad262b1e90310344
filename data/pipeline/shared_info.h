// dataset.json of a folder that several preparations write into, at the same time
// as it may be: what its splits must agree on, and changes that lose nobody's counts.
//
// Splits share classes and options. A run claims its own when it begins, in the note
// of its split's lock, so that a claim ends with its process; whoever comes later takes
// them over or is refused. Who looks for claims, makes one or changes dataset.json
// holds the folder's lock, for moments.
//
// Who calls it: Prepare. Threading: any; processes exclude each other by the lock, and
// machines where the file system carries flock between them.
#ifndef DATA_PIPELINE_SHARED_INFO_H_
#define DATA_PIPELINE_SHARED_INFO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/dataset_info.h"

namespace slimreel {

// Makes the folder and takes the lock of the dataset.json that `id` belongs to (parts
// have their own); waits, and says so, while another process has it. CANCELLED: `stopped`
// (may be empty) has said true meanwhile.
absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(
    const SplitId& id, const std::function<bool()>& stopped = {});

// What the other splits of the folder fix.
struct OtherSplits {
  std::vector<std::string> names;    // none: nothing is fixed
  std::vector<std::string> classes;  // none: those are not labelled, and classes are open
  nlohmann::json preparation;
  std::string fingerprint;
  friend bool operator==(const OtherSplits&, const OtherSplits&) = default;
};

// Those in dataset.json; for a part, in its own file and in the joined one. DataLoss where
// one is damaged.
absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id);
// And those that other processes are preparing, whose claims stand for what they have
// published before. The caller holds the lock.
absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id);

// Claims `info` for the split `id` by the note of its lock, and takes what is published of
// it out of dataset.json where that was made with other classes or options. The caller
// holds the lock.
absl::Status ClaimSplit(const SplitId& id, const DatasetInfo& info, SplitFolder* folder);

// Takes the lock and puts `counts` of the split `id` into dataset.json, beside those of
// other splits as they are then; without samples it takes the split out, and the
// file where it was the last. A part that changes takes its split out of the joined
// dataset.json, which no longer is the sum of its parts.
// FailedPrecondition: other splits there have other classes or options than `info`;
// CANCELLED as by LockDatasetInfo.
absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const SplitCounts& counts,
                               const std::function<bool()>& stopped = {});

}  // namespace slimreel

#endif  // DATA_PIPELINE_SHARED_INFO_H_
