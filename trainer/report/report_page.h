// RUN/report.html: one file without scripts that asks the network for nothing.
//
// Threading: pure functions, safe from any thread.
#ifndef TRAINER_REPORT_REPORT_PAGE_H_
#define TRAINER_REPORT_REPORT_PAGE_H_

#include <string>

#include "absl/status/status.h"
#include "trainer/report/run_files.h"

namespace slimreel {

inline constexpr char kReportFile[] = "report.html";

// The whole page. Its size does not grow with the number of steps.
std::string ReportPage(const RunFiles& run);

// Reads the folder's files and writes the page into it, atomically. Errors: those of
// base/atomic_file.h.
absl::Status WriteReport(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_REPORT_REPORT_PAGE_H_
