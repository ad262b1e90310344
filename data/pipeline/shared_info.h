// dataset.json of a folder that several preparations write into, at the same time
// as it may be: what its splits must agree on, and changes that lose nobody's counts.
//
// Splits share classes and options. A run claims its own when it begins, in the note
// of its split's lock, so that a claim ends with its process; whoever comes later takes
// them over or is refused. Who looks for claims, makes one or changes dataset.json
// holds the folder's lock, for moments.
//
// Who calls it: Prepare. Threading: any; processes and machines that share the
// folder exclude each other by the lock.
#ifndef DATA_PIPELINE_SHARED_INFO_H_
#define DATA_PIPELINE_SHARED_INFO_H_

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
// have their own); waits, and says so, while another process has it.
absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(const SplitId& id);

// What the other splits of the folder fix.
struct OtherSplits {
  std::vector<std::string> names;  // none: nothing is fixed
  std::vector<std::string> classes;
  nlohmann::json preparation;
  std::string fingerprint;
  friend bool operator==(const OtherSplits&, const OtherSplits&) = default;
};

// Those in dataset.json. DataLoss where it is damaged.
absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id);
// And those that other processes are preparing. The caller holds the lock.
absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id);

// The note by which a run claims `info` for its split.
std::string ClaimOf(const DatasetInfo& info);

// Takes the lock and puts `counts` of the split `id` into dataset.json, beside those of
// other splits as they are then; without samples it takes the split out, and the
// file where it was the last. FailedPrecondition: other splits there have other
// classes or options than `info`.
absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const SplitCounts& counts);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SHARED_INFO_H_
