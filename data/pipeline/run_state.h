// What a preparation has done so far: a log beside the shards, appended to while
// they are written, from which the next run learns what it need not do again.
//
// One JSON object a line: the header (fingerprint), then one line per finished
// input and one per published shard, in order, and at the end {"complete": true}.
// A line that a kill cut short, and all after it, count as never written.
#ifndef DATA_PIPELINE_RUN_STATE_H_
#define DATA_PIPELINE_RUN_STATE_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/chunk_video.h"

namespace slimreel {

// A video as the run met it. Size and time of change tell whether it is the same.
struct InputRecord {
  std::string path;
  std::string key;  // stem of its samples' keys
  int64_t label = -1;
  int64_t size_bytes = -1;  // -1: it could not be looked at
  int64_t mtime_ns = 0;
  // Of the keypoint file beside it; -1: none, or none was looked for.
  int64_t keypoint_bytes = -1;
  int64_t keypoint_mtime_ns = 0;
  VideoOutcome outcome;

  bool SameFile(const InputRecord& other) const {
    return path == other.path && size_bytes == other.size_bytes && mtime_ns == other.mtime_ns &&
           keypoint_bytes == other.keypoint_bytes && keypoint_mtime_ns == other.keypoint_mtime_ns;
  }
  bool SameSamples(const InputRecord& other) const {
    return SameFile(other) && key == other.key && label == other.label;
  }
};

struct ShardRecord {
  std::string file;  // "train-000000.tar"
  int64_t bytes = 0;
  int64_t frames = 0;
  std::vector<std::string> keys;  // of its samples, in order
  bool closed_by_end = false;     // not full: more samples would have gone into it
  // The input whose samples begin in this shard or before and go on after it.
  std::optional<InputRecord> open_input;
};

struct RunState {
  std::string fingerprint;  // of options and libraries; empty: there is no state
  std::vector<InputRecord> finished;
  std::vector<ShardRecord> shards;
  bool complete = false;
};

// Never fails: what cannot be read is work to be done again.
RunState LoadRunState(const std::string& path);

class RunLog {
 public:
  // Replaces the file by `state` (atomically) and goes on behind it.
  static absl::StatusOr<std::unique_ptr<RunLog>> Start(const std::string& path,
                                                       const RunState& state);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  absl::Status Add(const InputRecord& input);
  absl::Status Add(const ShardRecord& shard);  // on the disk when it returns
  absl::Status Complete();

 private:
  RunLog(std::string path, int file) : path_(std::move(path)), file_(file) {}
  absl::Status Append(const nlohmann::json& line, bool sync);

  const std::string path_;
  const int file_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_RUN_STATE_H_
