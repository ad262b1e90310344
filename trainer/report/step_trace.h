// What one optimizer step did: its operations, and live bytes by tag as a curve.
// RUN/step_trace.json holds it in the Chrome trace event format, which Perfetto and
// chrome://tracing open.
//
// Threading: plain data and pure functions.
#ifndef TRAINER_REPORT_STEP_TRACE_H_
#define TRAINER_REPORT_STEP_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

inline constexpr char kStepTraceFile[] = "step_trace.json";

struct TracedOperation {
  std::string op;           // F_keep | F_lean | F_ck | F_nograd | B | prefix | update
  std::string stage;        // empty: prefix and update
  int64_t micro_batch = 0;  // counted from 0
  int64_t attempt = 0;      // counted from 0; each run out of memory starts another one
  bool recompute = false;   // a forward pass of a stage that this micro-batch has visited before
  bool failed = false;      // ran out of memory
  double begin_us = 0.0, end_us = 0.0;                     // since the step's start
  int64_t begin_bytes = 0, end_bytes = 0, peak_bytes = 0;  // live
};

// One block that was taken or given back.
struct TracedAllocation {
  double at_us = 0.0;
  int64_t bytes = 0;       // < 0: freed
  int64_t block = 0;       // its address; 0: a batch, which is allocated elsewhere
  int32_t tag = 0;         // index into StepTrace::tags
  int32_t operation = -1;  // index into StepTrace::operations; -1: between operations
};

struct StepTrace {
  int64_t step = 0;  // counted from 1
  std::string device;
  std::vector<std::string> tags;
  std::vector<TracedOperation> operations;
  int64_t left_out_operations = 0;
  // The curve of live bytes: a time and one number per tag for each point. Each point holds until
  // the next one. If the step had more changes than points, neighbours were merged to the higher
  // one of them, so the highest point is always the step's true peak.
  std::vector<double> point_us;
  std::vector<int64_t> point_bytes;  // point n, tag t: [n * tags.size() + t]
  double end_us = 0.0;
  std::vector<TracedAllocation> allocations;  // --profile_step only
  int64_t left_out_allocations = 0;           // after the list was full

  int64_t PointTotal(size_t point) const;
  int64_t PeakBytes() const;  // of all points
};

// "F_keep(layer1.0)", "update".
std::string OperationName(const TracedOperation& operation);

// Writes to RUN/step_trace.json. Errors: those of base/atomic_file.h.
absl::Status WriteStepTrace(const StepTrace& trace, const std::string& run_dir);
std::string StepTraceToJson(const StepTrace& trace);

// Reads back what WriteStepTrace wrote, without the single allocations. Errors: NotFound; DataLoss
// if the file is no trace of this program.
absl::StatusOr<StepTrace> ReadStepTrace(const std::string& run_dir);
absl::StatusOr<StepTrace> ParseStepTrace(const std::string& json);

}  // namespace slimreel

#endif  // TRAINER_REPORT_STEP_TRACE_H_
