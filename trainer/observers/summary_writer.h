// RUN/summary.json: the run in one object, written when the run ends or stops.
#ifndef TRAINER_OBSERVERS_SUMMARY_WRITER_H_
#define TRAINER_OBSERVERS_SUMMARY_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/observer.h"

namespace slimreel {

// {"metrics", batch terms, "schedule", "budget_bytes", "predicted_peak_bytes", "peak_bytes",
// "loader", speeds (medians over all steps of the run), "oom_retries", "steps", ...}. No
// evaluation yet: `metrics` is empty.
std::string SummaryJson(const RunRecord& run, const RunHistory& history);

// Median without copying the caller's order; 0 for nothing.
double Median(std::vector<double> values);

// `history`: what was done before this process, so that a resumed run sums up the whole.
std::unique_ptr<Observer> MakeSummaryWriter(const std::string& run_dir, RunHistory history = {});

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_SUMMARY_WRITER_H_
