// What dataset.json says: which splits the shards of a folder hold, and how the
// frames were prepared. The file of one part of a divided preparation
// (dataset-p03of16.json) has the same format. Plain values and their text.
#ifndef DATA_SHARD_DATASET_JSON_H_
#define DATA_SHARD_DATASET_JSON_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

inline constexpr int64_t kDatasetFormatVersion = 2;

struct SplitCounts {
  int64_t shards = 0;
  int64_t samples = 0;  // chunks
  int64_t videos = 0;   // source videos with at least one sample
  int64_t frames = 0;
  int64_t bytes = 0;            // of the .tar files
  int64_t keypoint_videos = 0;  // source videos whose samples have keypoints
  friend bool operator==(const SplitCounts&, const SplitCounts&) = default;
};

struct DatasetInfo {
  int64_t format_version = kDatasetFormatVersion;
  std::string task = "classify";
  std::vector<std::string> classes;           // by label
  std::map<std::string, SplitCounts> splits;  // completely prepared splits only
  // Splits that lack shards in the folder: their preparation is running or was
  // stopped. Readers must refuse them.
  std::set<std::string> unfinished;
  // How the frames were prepared (short_side, fps, chunking, filter, ...), as prepare writes it.
  nlohmann::json preparation = nlohmann::json::object();
  std::map<std::string, std::string> libav_versions;
  std::string fingerprint;  // hash of everything that decides the frames' bytes
};

std::string FormatDatasetInfo(const DatasetInfo& info);

// Reads what FormatDatasetInfo writes. `path` is named in errors. DataLoss: the text is not of
// this format. FailedPrecondition: a newer SlimReel wrote it.
absl::StatusOr<DatasetInfo> ParseDatasetInfo(const std::string& text, const std::string& path);

// Reads and parses one file. NotFound: there is no such file.
absl::StatusOr<DatasetInfo> ReadDatasetInfoFile(const std::string& path);

}  // namespace slimreel

#endif  // DATA_SHARD_DATASET_JSON_H_
