// .prepare-train.jsonl: how each video went in the runs so far, beside the shards.
//
// It saves work and decides nothing: videos that gave no sample need not be opened again, and
// a file whose look has not changed need not be read for its digest. Every line says which
// version of the file and which recipe it is true of, so lines of any age may stand in it; of a
// path the last one counts. A line that a kill cut short is passed over. Where the file
// is lost, rejected videos are decoded again, and nothing else happens.
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
#include "data/chunking/file_look.h"

namespace slimreel {

struct LoggedVideo {
  std::string path;
  uint64_t recipe = 0;
  FileLook look;
  uint64_t digest = 0;  // 0: not read
  FileLook keypoint_look;
  uint64_t keypoint_digest = 0;
  VideoOutcome outcome;
};

// Calls `visit` with each line, from the oldest on. Never fails: what cannot be read is work to
// be done again.
void ReadPrepareLog(const std::string& path, const std::function<void(LoggedVideo)>& visit);

class PrepareLog {
 public:
  // Opens the file behind what stands in it; makes it where there is none.
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

// One line of it, with its end.
std::string LogLine(const LoggedVideo& video);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_LOG_H_
