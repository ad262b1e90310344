// The schedule of a step: which stage runs forward when, what each forward
// keeps, and when each backward runs. Pure numbers; no tensor is needed to make
// or test one.
//
// Source of the operations: Beaumont et al., "Optimal checkpointing for
// heterogeneous chains" (rotor): F_keep (F_all), F_checkpoint, F_nograd (F_none), B.
#ifndef MEMORY_EXECUTOR_SCHEDULE_H_
#define MEMORY_EXECUTOR_SCHEDULE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// What becomes of one stage's activations between its forward and its backward.
enum class StageMode {
  kKeep,        // all that backward needs is kept
  kLean,        // the stage's lean form: less is kept, what is cheap is rebuilt in backward
  kCheckpoint,  // the input alone is kept; the stage runs again before its backward
};

enum class OpKind {
  kForwardKeep,        // runs with grad; keeps the graph for the stage's backward
  kForwardLean,        // as kForwardKeep, in the stage's lean form (memory/stage/stage.h)
  kForwardCheckpoint,  // runs without grad; keeps the stage's input
  kForwardNoGrad,      // runs without grad; drops the stage's input
  kBackward,           // consumes the graph of the stage's latest kForwardKeep or kForwardLean
};

struct Op {
  OpKind kind;
  int stage;  // index into the chain, the loss being the last
  friend bool operator==(const Op&, const Op&) = default;
};

using Schedule = std::vector<Op>;

// One mode per stage, the loss excluded (it is always kept: its backward follows at once).
Schedule MakeSchedule(const std::vector<StageMode>& modes);

// Checks that every operation finds what it needs (its input, its graph, the
// gradient of its output) and that every stage of `num_stages` goes backward
// exactly once, last to first. The error names the offending operation.
absl::Status ValidateSchedule(const Schedule& schedule, int num_stages);

// For each operation: does a later one read what this forward gives out? A
// recompute's output, for one, is often read by nobody and dropped at once.
std::vector<bool> OutputsRead(const Schedule& schedule);

// memory.schedule's words: keep | lean | checkpoint | every:N (each N-th stage is
// checkpointed, the rest kept) | one word per stage, comma- or blank-separated.
absl::StatusOr<std::vector<StageMode>> ParseStageModes(const std::string& words, int num_stages);
// The shortest of these words that means `modes`.
std::string FormatStageModes(const std::vector<StageMode>& modes);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_SCHEDULE_H_
