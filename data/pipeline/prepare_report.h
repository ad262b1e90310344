// prepare_report.jsonl: one line per input video, in order. After them, one line per video that an
// earlier preparation had and that is not in the input now.
// Threading: one thread at a time.
#ifndef DATA_PIPELINE_PREPARE_REPORT_H_
#define DATA_PIPELINE_PREPARE_REPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/atomic_file.h"
#include "data/chunking/chunk_video.h"

namespace slimreel {

struct ReportLine {
  const std::string& path;
  const VideoOutcome& outcome;
  int64_t label = -1;
  bool unchanged = false;  // the outcome of an earlier preparation holds; nothing was decoded
  bool removed = false;    // not in the input any more: its samples are gone
};

// {"path", "status": ok|partial|rejected|unchanged|removed, "was" (for the last two), "reason",
// "message", "frames", "frames_decoded", "left_out_frames", "chunks", "seconds", "label"}.
// A path that is not UTF-8 is written by TextOfBytes (base/byte_text.h).
class ReportWriter {
 public:
  static absl::StatusOr<ReportWriter> Create(const std::string& path);

  absl::Status Add(const ReportLine& line);
  // Puts the complete file in place, atomically, and replaces an earlier one.
  absl::Status Commit();

 private:
  explicit ReportWriter(std::unique_ptr<AtomicFile> file) : file_(std::move(file)) {}
  absl::Status WriteOut();

  std::unique_ptr<AtomicFile> file_;
  std::string pending_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_REPORT_H_
