// The dataset.json of a shard folder: its name, its lock, reading and writing. A
// folder that has only the files of a divided preparation's parts
// (dataset-p03of16.json) is read as their sum.
#ifndef DATA_SHARD_DATASET_INFO_H_
#define DATA_SHARD_DATASET_INFO_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"
#include "data/shard/dataset_json.h"

namespace slimreel {

// "dataset.json"; "dataset-p03of16.json" if part > 0.
std::string DatasetInfoFileName(int part = 0, int num_parts = 0);

// Path of the lock file. Hold the lock while you change the dataset file.
std::string DatasetInfoLockPath(const std::string& folder, int part = 0, int num_parts = 0);

// Takes that lock. While another process holds it, this logs so once and waits. CANCELLED:
// `stopped` (may be empty) returned true while waiting.
absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfoFile(const std::string& folder, int part,
                                                              int num_parts,
                                                              const std::function<bool()>& stopped);

// Replaces the file atomically. Errors name the path.
absl::Status WriteDatasetInfo(const std::string& folder, const DatasetInfo& info, int part = 0,
                              int num_parts = 0);

// Reads dataset.json, or sums the parts' files if it is absent; a split that some of the parts do
// not list is then unfinished. NotFound: neither is there. DataLoss: a file is not of this format,
// or the parts' classes, tasks or fingerprints differ. FailedPrecondition: a newer SlimReel wrote
// it.
absl::StatusOr<DatasetInfo> ReadDatasetInfo(const std::string& folder);

}  // namespace slimreel

#endif  // DATA_SHARD_DATASET_INFO_H_
