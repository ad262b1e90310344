// RUN/summary.json: the whole run in one object, written when the run ends or stops.
//
// Threading: the trainer's thread.
#ifndef TRAINER_OBSERVERS_SUMMARY_WRITER_H_
#define TRAINER_OBSERVERS_SUMMARY_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/observer.h"

namespace slimreel {

// {"metrics", batch terms, "schedule", "budget_bytes", "predicted_peak_bytes", "peak_bytes",
// "peak_by_tag", "phases", "loader", speeds (medians over all steps of the run), "oom_retries",
// "steps", ...}. `metrics` is empty if there was no evaluation.
std::string SummaryJson(const RunRecord& run, const RunHistory& history);

// The median; 0 if there are no values.
double Median(std::vector<double> values);

// `history`: what earlier processes of the run did, so that the summary covers the whole run.
std::unique_ptr<Observer> MakeSummaryWriter(const std::string& run_dir, RunHistory history = {});

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_SUMMARY_WRITER_H_
