// .prepare-train.jsonl: the outcome of each video in the preparations so far. It lies beside the
// shards.
//
// The log only saves work. With it, a preparation need not open videos again that gave no sample,
// and need not read the digest of a file whose size and times are the same. Every line names the
// version of the file and the recipe that it holds for, so old lines do no harm; the last line of
// a path counts. A line that a kill cut short is ignored. If the log is lost, rejected videos are
// decoded again; nothing else changes.
// Threading: one thread at a time.
#ifndef DATA_PIPELINE_PREPARE_LOG_H_
#define DATA_PIPELINE_PREPARE_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/chunking/chunk_video.h"
#include "data/chunking/file_stat.h"

namespace slimreel {

struct LoggedVideo {
  std::string path;
  uint64_t recipe = 0;
  FileStat stat;
  uint64_t digest = 0;  // 0: not read
  FileStat keypoint_stat;
  uint64_t keypoint_digest = 0;
  VideoOutcome outcome;
};

// Calls `visit` with each line, oldest first. Never fails: it skips what it cannot read, and the
// preparation does that work again.
void ReadPrepareLog(const std::string& path, const std::function<void(LoggedVideo)>& visit);

class PrepareLog {
 public:
  // Opens the file for appending; creates it if it does not exist.
  static absl::StatusOr<std::unique_ptr<PrepareLog>> Open(const std::string& path);
  ~PrepareLog();
  PrepareLog(const PrepareLog&) = delete;
  PrepareLog& operator=(const PrepareLog&) = delete;

  absl::Status Add(const LoggedVideo& video);

 private:
  PrepareLog(std::string path, int file) : path_(std::move(path)), file_(file) {}
  absl::Status Append(const std::string& text);

  const std::string path_;
  const int file_;
};

// One line of the log, with its newline.
std::string LogLine(const LoggedVideo& video);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_LOG_H_
