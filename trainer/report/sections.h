// The parts of the report page. Each returns HTML. What the run's files do not hold is left out,
// and a sentence says so.
//
// Threading: pure functions, safe from any thread.
#ifndef TRAINER_REPORT_SECTIONS_H_
#define TRAINER_REPORT_SECTIONS_H_

#include <cstddef>
#include <string>
#include <utility>

#include "trainer/report/run_files.h"

namespace slimreel {

// Points of one curve on the page; a longer one is thinned out (thin_out.h).
inline constexpr size_t kMaxPoints = 600;
// Rows of one table; of a longer one the first and the last are shown.
inline constexpr size_t kMaxRows = 100;

// The class of the style sheet for a tag of memory.
std::string TagColor(const std::string& tag);
// "forward", "recompute", "backward", "update": color and name of an operation's kind.
std::string KindOf(const TracedOperation& operation);

std::string StepMemorySection(const RunFiles& run);  // memory_sections.cc
std::string RunMemorySection(const RunFiles& run);   // memory_sections.cc
std::string PredictionSection(const RunFiles& run);  // memory_sections.cc
std::string PlanSection(const RunFiles& run);        // plan_sections.cc
std::string StagesSection(const RunFiles& run);      // plan_sections.cc
std::string TrainingSection(const RunFiles& run);    // training_sections.cc
std::string EventsSection(const RunFiles& run);      // training_sections.cc
std::string NumbersSection(const RunFiles& run);     // training_sections.cc

}  // namespace slimreel

#endif  // TRAINER_REPORT_SECTIONS_H_
