// The fastest schedule of a chain within a memory limit, by dynamic programming. Pure functions of
// numbers; one object may serve several threads once it is made.
//
// Source: Beaumont et al., "Optimal checkpointing for heterogeneous chains" (rotor): the recurrence
// of section 4 over persistent schedules, where what is stored stays until its backward. Here a
// stage has a second form to keep, the lean one, and a boundary may hand storages on.
#ifndef MEMORY_PLANNER_OPTIMAL_SCHEDULE_H_
#define MEMORY_PLANNER_OPTIMAL_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "memory/executor/schedule.h"

namespace slimreel {

// A part of a stage's output that the next stages only hand on. It takes memory once, however many
// of the tuples on its way are stored.
struct HandedOn {
  int64_t bytes = 0;
  int last_reader = 0;  // the last stage whose input tuple holds it
};

// What one stage costs. The input of the first stage is alive throughout and never counted.
//
// Transients: the peak of an operation less the larger of what it starts and what it ends with
// (its own input, graph, output and gradients). A transient is less than 0 if, for example, the
// stage does not save its output: then backward starts without it.
//   F_checkpoint, F_nograd   ends with input + output
//   F_keep, F_lean           ends with input + output + saved (keep_bytes or lean_bytes)
//   B                        starts with input + output + saved + gradient of the output,
//                            ends with input + gradient of the input
struct StageCosts {
  int64_t output_bytes = 0;  // storages that this stage makes and passes on, each once
  int64_t keep_bytes = 0;    // what F_keep leaves alive besides the stage's input and output
  int64_t lean_bytes = -1;   // the same for F_lean; < 0: the stage has no lean form
  int64_t forward_transient_bytes = 0;
  int64_t keep_transient_bytes = 0;
  int64_t lean_transient_bytes = 0;
  int64_t backward_transient_bytes = 0;
  int64_t lean_backward_transient_bytes = 0;
  int64_t gradient_bytes = 0;  // of the stage's whole input tuple
  double forward_ms = 0.0;     // without grad
  double keep_ms = 0.0;
  double lean_ms = 0.0;
  double backward_ms = 0.0;
  double lean_backward_ms = 0.0;
  std::vector<HandedOn> handed_on;  // parts of output_bytes
};

struct TimedSchedule {
  Schedule schedule;
  double time_ms = 0.0;
  int64_t bytes = 0;  // the smallest limit, in whole slots, under which it is found; >= its peak
};

// Solves a chain once for all limits up to `max_bytes`, which are divided into `num_slots` slots.
// Every amount is rounded up to whole slots, so a schedule never needs more than its `bytes`, but
// one that fits may be missed (by up to one slot per stored stage).
// Cost: num_slots * stages^3 / 6 additions, and num_slots * stages^2 * 2 bytes.
class OptimalSchedules {
 public:
  // `stages` ends with the loss, which is always kept and goes backward at once.
  OptimalSchedules(std::vector<StageCosts> stages, int64_t max_bytes, int num_slots = 500);

  // The fastest schedule that needs at most `limit_bytes` (beyond max_bytes: as max_bytes). Among
  // equally fast ones it takes one that needs the fewest slots. None: nothing fits.
  std::optional<TimedSchedule> Fastest(int64_t limit_bytes) const;

  // The distinct schedules over all limits, from the fastest to the smallest.
  std::vector<TimedSchedule> Distinct() const;

 private:
  // A way to keep a stage for its backward.
  struct Form {
    OpKind op;
    float ms;                    // forward and backward
    int held_slots;              // from the forward pass to the backward
    int64_t forward_peak_bytes;  // without the gradient that waits
    int backward_peak_slots;
  };
  // "Store the input of stage `at`, and run from `first` again later."
  struct Split {
    int at;
    float ms;        // of the forward passes up to `at`
    int held_slots;  // of the stored input
    int peak_slots;  // of the forward passes
  };

  void MeasureBoundaries();
  void MeasureForms();
  void Solve();
  void SolveFrom(int first, int last);
  Split MakeSplit(int first, int at, int last) const;
  void Emit(int first, int last, int slots, Schedule* schedule) const;
  TimedSchedule Build(int slots) const;
  int MinSlots(const Form& form, int first, int last) const;
  int Slots(int64_t bytes) const;  // rounded up, at most num_slots_ + 1
  // costs(first, last)[m]: the time of stages first..last, forward and backward, within m slots,
  // while the input of `first` and the gradient of `last`'s output exist. Infinite: does not fit.
  const float* costs(int first, int last) const;
  float* costs(int first, int last);

  std::vector<StageCosts> stages_;
  int num_stages_;
  int num_slots_;
  int64_t slot_bytes_;
  std::vector<std::vector<Form>> forms_;            // per stage
  std::vector<double> forward_ms_;                  // prefix sums
  std::vector<std::vector<int64_t>> stored_bytes_;  // [i][j]: input of j, while that of i is stored
  std::vector<std::vector<int64_t>> run_peak_bytes_;  // [i][j]: forward passes of i..j-1
  std::vector<float> costs_;
  std::vector<int> first_fit_;  // per (first, last): the fewest slots with a finite time
};

// Distinct() of the chain solved for max_bytes, max_bytes / 2, max_bytes / 4, ... until nothing
// fits, in one list from the fastest to the smallest. The smaller totals have finer slots, so that
// small limits lose no more to rounding than large ones.
std::vector<TimedSchedule> DistinctSchedules(const std::vector<StageCosts>& stages,
                                             int64_t max_bytes, int num_slots = 500);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_OPTIMAL_SCHEDULE_H_
