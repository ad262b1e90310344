// dataset.json of a folder that several preparations write into, at the same time
// as it may be: what its splits must agree on, and changes that lose nobody's counts.
//
// Splits share classes and options. A run claims its own when it begins, in the note
// of its split's lock, so that a claim ends with its process; whoever comes later takes
// them over or is refused. Who looks for claims, makes one or changes dataset.json
// holds the folder's lock, for moments.
//
// Threading: any; processes exclude each other by the lock, and
// machines where the file system carries flock between them.
#ifndef DATA_PIPELINE_SHARED_INFO_H_
#define DATA_PIPELINE_SHARED_INFO_H_

#include <functional>
#include <memory>
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

// Claims `info` for the split by the note of its lock. The caller holds dataset.json's lock.
absl::Status ClaimSplit(const DatasetInfo& info, SplitFolder* folder);

// Whether dataset.json lists `split` as complete, in this division or another one: a reader
// may be using its shards.
absl::StatusOr<bool> IsListed(const SplitId& id);

// Takes the lock and puts the split `id` into dataset.json, beside other splits as they are then:
// with `counts` as complete, without as unfinished. A part that changes takes its split out of
// the joined dataset.json, which no longer is the sum of its parts.
// FailedPrecondition: other splits there have other classes or options than `info`, and nobody
// is preparing them anew; CANCELLED as by LockDatasetInfo.
absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const std::optional<SplitCounts>& counts,
                               const std::function<bool()>& stopped = {});

// Takes a split out of its dataset file, which goes with its last split.
absl::Status ForgetSplit(const SplitId& id, const std::function<bool()>& stopped = {});

}  // namespace slimreel

#endif  // DATA_PIPELINE_SHARED_INFO_H_
