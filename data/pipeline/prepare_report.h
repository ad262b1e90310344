// prepare_report.jsonl: one line per input video, in order; behind them one for each that an
// earlier run had and this one was not given.
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
  bool removed = false;    // the earlier run had it, this one not: its samples are gone
};

// {"path", "status": ok|partial|rejected|unchanged|removed, "was" (of the last two), "reason",
// "message", "frames", "frames_decoded", "chunks", "seconds", "label"}. Published whole.
absl::Status WriteReport(const std::string& path, const std::vector<ReportLine>& lines);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_REPORT_H_
