// Cuts an effective batch into micro-batches. Pure functions of numbers.
#ifndef MEMORY_POLICY_SPLIT_H_
#define MEMORY_POLICY_SPLIT_H_

#include <cstdint>
#include <vector>

namespace slimreel {

struct MicroBatch {
  int64_t first = 0;  // position of its first sample in the batch
  int64_t count = 0;  // number of samples
  friend bool operator==(const MicroBatch&, const MicroBatch&) = default;
};

// Cuts `batch` samples into runs of at most `micro_batch` samples. Each run starts at a multiple
// of `norm_group` (0: anywhere). A micro-batch below the group is raised to the group. The last
// run is shorter if the batch does not divide.
std::vector<MicroBatch> SplitBatch(int64_t batch, int64_t micro_batch, int64_t norm_group);

// Number of parts of at most `size` (> 0) that make up `total`; the last part may be shorter.
int64_t NumSplits(int64_t total, int64_t size);

// Normalisation groups of `batch` samples that are cut so; without `norm_group` each run is one.
int64_t NumNormGroups(int64_t batch, int64_t micro_batch, int64_t norm_group);

// The next smaller micro-batch: half, rounded down to a multiple of `norm_group`, and at least
// `norm_group` (or 1). Returns `micro_batch` if no smaller one exists.
int64_t HalfMicroBatch(int64_t micro_batch, int64_t norm_group);

}  // namespace slimreel

#endif  // MEMORY_POLICY_SPLIT_H_
