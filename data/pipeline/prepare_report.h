// prepare_report.jsonl: one line per input video, in order.
#ifndef DATA_PIPELINE_PREPARE_REPORT_H_
#define DATA_PIPELINE_PREPARE_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/pipeline/run_state.h"

namespace slimreel {

struct ReportLine {
  InputRecord input;
  bool unchanged = false;  // what the earlier run said of it holds; nothing was decoded
};

// {"path", "status": ok|partial|rejected|unchanged, "was" (of unchanged), "reason",
// "message", "frames", "frames_decoded", "chunks", "seconds", "label"}. Published whole.
absl::Status WriteReport(const std::string& path, const std::vector<ReportLine>& lines);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_REPORT_H_
