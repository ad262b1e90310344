// The schedule of a step: when each stage runs forward, what each forward pass keeps, and when
// each backward runs. Plain data; making or testing one needs no tensor.
//
// Source of the operations: Beaumont et al., "Optimal checkpointing for
// heterogeneous chains" (rotor): F_keep (F_all), F_checkpoint, F_nograd (F_none), B.
#ifndef MEMORY_EXECUTOR_SCHEDULE_H_
#define MEMORY_EXECUTOR_SCHEDULE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// What happens to a stage's activations between its forward and its backward pass.
enum class StageMode {
  kKeep,        // everything that backward needs is kept
  kLean,        // the stage's lean form: less is kept; backward rebuilds what is cheap
  kCheckpoint,  // only the input is kept; the stage runs again before its backward
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
  int stage;  // index into the chain; the loss is the last stage
  friend bool operator==(const Op&, const Op&) = default;
};

using Schedule = std::vector<Op>;

// `modes`: one per stage, without the loss. The loss is always kept, because its backward follows
// at once.
Schedule MakeSchedule(const std::vector<StageMode>& modes);

// The modes from which MakeSchedule makes exactly this schedule; none if there are none.
std::optional<std::vector<StageMode>> ModesOf(const Schedule& schedule);

// Number of stages that the schedule visits, with the loss.
int NumStages(const Schedule& schedule);

// Checks that every operation finds what it needs (its input, its graph, the gradient of its
// output) and that each of the `num_stages` stages goes backward exactly once, last to first. The
// error names the operation at fault.
absl::Status ValidateSchedule(const Schedule& schedule, int num_stages);

// For each operation: does a later one read the output of this forward pass? The output of a
// recompute, for example, is often not read and is dropped at once.
std::vector<bool> OutputsRead(const Schedule& schedule);

// Parses memory.schedule: keep | lean | checkpoint | every:N (every N-th stage is checkpointed,
// the rest is kept) | one word per stage, separated by commas or blanks.
absl::StatusOr<std::vector<StageMode>> ParseStageModes(const std::string& words, int num_stages);
// The shortest of these forms that means `modes`.
std::string FormatStageModes(const std::vector<StageMode>& modes);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_SCHEDULE_H_
