// RUN/summary.json: the run in one object, written when the run ends or stops.
#ifndef TRAINER_OBSERVERS_SUMMARY_WRITER_H_
#define TRAINER_OBSERVERS_SUMMARY_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "trainer/observers/observer.h"

namespace slimreel {

// The document (design.md, "Run folder"). Speeds and peaks are of this process:
// a resumed run starts them anew. `evaluation` null: no evaluation yet, `metrics` is empty.
std::string SummaryJson(const RunRecord& run, const EvaluationRecord* evaluation,
                        const std::vector<StepRecord>& steps);

// Median without copying the caller's order; 0 for nothing.
double Median(std::vector<double> values);

std::unique_ptr<Observer> MakeSummaryWriter(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_SUMMARY_WRITER_H_
