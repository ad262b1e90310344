// Decides at a checkpoint whether a plan that was tightened under pressure may be relaxed again.
// Pure functions of numbers.
//
// At checkpoints only: a checkpoint stores its plan, so that a resumed run takes the same steps.
#ifndef MEMORY_POLICY_RELAX_H_
#define MEMORY_POLICY_RELAX_H_

#include <cstdint>

namespace slimreel {

// What is known at a checkpoint.
struct RelaxView {
  bool tightened = false;       // the plan in force is tighter than the one before the pressure
  int64_t oom_retries = 0;      // since the checkpoint before
  bool under_pressure = false;  // a pool is above its threshold, or was until a moment ago
  int64_t wider_bytes = 0;      // predicted peak of the plan to go back to; 0: not known
  int64_t ceiling_bytes = 0;    // in force now; 0: none
};

// What is remembered from checkpoint to checkpoint. Starts as {}.
struct RelaxState {
  int64_t calm_checkpoints = 0;  // in a row
  bool on_trial = false;         // the plan was relaxed and has had no quiet checkpoint since
  int64_t failures = 0;          // relaxed plans that were tightened again
  friend bool operator==(const RelaxState&, const RelaxState&) = default;
};

struct RelaxDecision {
  bool relax = false;
  RelaxState next;
};

inline constexpr int64_t kCalmCheckpoints = 2;       // before the first attempt
inline constexpr int64_t kMostRelaxDoublings = 5;    // a failure doubles the number, this often
inline constexpr double kLargestRelaxedShare = 0.9;  // of the ceiling, for the wider plan
// True after enough calm checkpoints in a row: none of them had a retry or pressure, and the wider
// plan is predicted to leave a tenth of the ceiling free. Each attempt that failed doubles their
// number, so plans do not alternate.
RelaxDecision DecideRelax(const RelaxView& view, const RelaxState& state);

}  // namespace slimreel

#endif  // MEMORY_POLICY_RELAX_H_
