// The log of a step: what the step adds to the running averages of a layer (BatchNorm's running
// statistics). First visits only append; the averages move once, when the step is done. So a step
// that is undone only drops its log, and no buffer needs a copy.
//
// Threading: as the owning stage. Ownership: the stage owns its logs; a log shares the averages
// and the counter with the stage's buffers.
#ifndef MEMORY_STAGE_STEP_LOG_H_
#define MEMORY_STAGE_STEP_LOG_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace slimreel {

class StepLog {
 public:
  // `averages`: [C] each, float32 or float64, at least one. An entry moves each of them by
  // rate * (value - average). `counter`, [] int64, counts the entries.
  StepLog(std::vector<at::Tensor> averages, at::Tensor counter, double rate);
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  // Takes memory for the entries of a step, on the averages' device. Keeps what is logged.
  void Reserve(int64_t entries);

  // Appends `entries` entries of the forward pass whose first sample has `first_position`.
  // Returns [entries, averages, C] for the caller to fill: float64 without values on the CPU, the
  // averages' dtype with zeros on other devices. Takes more memory if the reserve is used up.
  at::Tensor Append(int64_t first_position, int64_t entries);

  int64_t size() const { return size_; }

  // The device's way to fold, also for tests on the CPU: for each entry of a step one list of
  // kernels over all logs. See CommitLogs.
  static void FoldByLists(const std::vector<StepLog*>& logs);

 private:
  friend void CommitLogs(const std::vector<StepLog*>& logs);
  friend void DropLogs(const std::vector<StepLog*>& logs);

  // Entries of one forward pass: values_[begin, end).
  struct Pass {
    int64_t first_position, begin, end;
  };
  void SortPasses();
  void FoldByLoops();

  std::vector<at::Tensor> averages_;
  at::Tensor counter_;
  double rate_;
  at::Tensor values_;  // [capacity, averages, C]
  std::vector<Pass> passes_;
  int64_t size_ = 0;
};

// Moves the averages by all entries in the order of their positions, and empties the logs. On the
// CPU it allocates nothing, works in float64, and rounds to the averages' dtype after the entries
// of each forward pass. Other devices round after each entry and wait for nothing.
void CommitLogs(const std::vector<StepLog*>& logs);

// Empties the logs. Allocates nothing on the CPU.
void DropLogs(const std::vector<StepLog*>& logs);

}  // namespace slimreel

#endif  // MEMORY_STAGE_STEP_LOG_H_
