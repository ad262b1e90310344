// RUN/report.html, written when the run ends, stops or fails.
//
// Threading: the trainer's thread.
#ifndef TRAINER_REPORT_REPORT_WRITER_H_
#define TRAINER_REPORT_REPORT_WRITER_H_

#include <memory>
#include <string>

#include "trainer/observers/observer.h"

namespace slimreel {

// Reads the run folder at the run's end, so it must come after the observers that write there. If
// the page cannot be written, a warning says so: the run and its files are complete without it.
std::unique_ptr<Observer> MakeReportWriter(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_REPORT_REPORT_WRITER_H_
