// dataset.json: what the shards of a folder hold and what was done to the frames.
// The parts of a divided job write dataset-p03of16.json each; reading a folder
// without dataset.json joins them.
//
// Who calls it: data/pipeline writes, the reader and the commands read.
#ifndef DATA_SHARD_DATASET_INFO_H_
#define DATA_SHARD_DATASET_INFO_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"

namespace slimreel {

inline constexpr int64_t kDatasetFormatVersion = 2;

struct SplitCounts {
  int64_t shards = 0;
  int64_t samples = 0;  // chunks
  int64_t videos = 0;   // sources with at least one sample
  int64_t frames = 0;
  int64_t bytes = 0;            // of the .tar files
  int64_t keypoint_videos = 0;  // sources whose samples have keypoints
  friend bool operator==(const SplitCounts&, const SplitCounts&) = default;
};

struct DatasetInfo {
  int64_t format_version = kDatasetFormatVersion;
  std::string task = "classify";
  std::vector<std::string> classes;           // by label
  std::map<std::string, SplitCounts> splits;  // that are completely prepared
  // Splits whose shards in the folder are not all that belong to them: being prepared, or
  // their preparation was stopped. Nobody may read those.
  std::set<std::string> unfinished;
  // What was done to the frames (short_side, fps, chunking, filter, ...), as prepare writes it.
  nlohmann::json preparation = nlohmann::json::object();
  std::map<std::string, std::string> libav_versions;
  std::string fingerprint;  // of everything that decides the frames' bytes
};

// "dataset.json", or "dataset-p03of16.json" where part > 0.
std::string DatasetInfoFileName(int part = 0, int num_parts = 0);
// The lock that whoever changes this file holds meanwhile.
std::string DatasetInfoLockPath(const std::string& folder, int part = 0, int num_parts = 0);
// Takes it; waits, and says so, while another process has it. CANCELLED: `stopped` (may be
// empty) has said true meanwhile.
absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfoFile(const std::string& folder, int part,
                                                              int num_parts,
                                                              const std::function<bool()>& stopped);

// The text of such a file, and what it says; `path` is named in errors.
std::string FormatDatasetInfo(const DatasetInfo& info);
absl::StatusOr<DatasetInfo> ParseDatasetInfo(const std::string& text, const std::string& path);

// Published whole, replacing what was there. Errors name the path.
absl::Status WriteDatasetInfo(const std::string& folder, const DatasetInfo& info, int part = 0,
                              int num_parts = 0);

// NotFound: neither dataset.json nor parts. DataLoss: not what this format says,
// or parts whose classes or fingerprints differ. FailedPrecondition: written by a
// newer SlimReel. Where there are only parts, a split that not all of them list is unfinished.
absl::StatusOr<DatasetInfo> ReadDatasetInfo(const std::string& folder);
// One file.
absl::StatusOr<DatasetInfo> ReadDatasetInfoFile(const std::string& path);

// The sum of the files `paths` of a folder's parts, at least one. A split that not all of
// num_parts list is unfinished.
absl::StatusOr<DatasetInfo> SumOfParts(const std::vector<std::string>& paths);

// Adds the counts of `part`, read from `path`. DataLoss: classes, task or fingerprint
// differ from those of `whole`. None labelled (no classes) agrees with any classes.
absl::Status AddPart(const std::string& path, const DatasetInfo& part, DatasetInfo* whole);

}  // namespace slimreel

#endif  // DATA_SHARD_DATASET_INFO_H_
