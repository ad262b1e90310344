// How an effective batch is cut into micro-batches. Pure numbers.
#ifndef MEMORY_POLICY_SPLIT_H_
#define MEMORY_POLICY_SPLIT_H_

#include <cstdint>
#include <vector>

namespace slimreel {

struct MicroBatch {
  int64_t first = 0;  // position in the batch
  int64_t count = 0;  // samples
  friend bool operator==(const MicroBatch&, const MicroBatch&) = default;
};

// Cuts `batch` samples into runs of at most `micro_batch`, each starting at a
// multiple of `norm_group` (0: any). A micro-batch smaller than the group is
// raised to it. The last run is short where the batch does not divide.
std::vector<MicroBatch> SplitBatch(int64_t batch, int64_t micro_batch, int64_t norm_group);

// Into how many parts of at most `size` (> 0) `total` is cut; the last may be short.
int64_t NumSplits(int64_t total, int64_t size);

// The next smaller micro-batch: half, rounded down to a multiple of
// `norm_group`, and no less than it (or 1). Equal to `micro_batch`: there is none.
int64_t HalfMicroBatch(int64_t micro_batch, int64_t norm_group);

}  // namespace slimreel

#endif  // MEMORY_POLICY_SPLIT_H_
