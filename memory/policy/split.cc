#include "memory/policy/split.h"

#include <algorithm>

namespace slimreel {
namespace {

// The largest multiple of the group that is at most `count`, and at least one group.
int64_t WholeGroups(int64_t count, int64_t norm_group) {
  const int64_t group = std::max<int64_t>(norm_group, 1);
  return std::max(group, count / group * group);
}

}  // namespace

std::vector<MicroBatch> SplitBatch(int64_t batch, int64_t micro_batch, int64_t norm_group) {
  const int64_t step = WholeGroups(micro_batch, norm_group);
  std::vector<MicroBatch> runs;
  for (int64_t first = 0; first < batch; first += step) {
    runs.push_back({first, std::min(step, batch - first)});
  }
  return runs;
}

int64_t NumSplits(int64_t total, int64_t size) { return (total + size - 1) / size; }

int64_t NumNormGroups(int64_t batch, int64_t micro_batch, int64_t norm_group) {
  return NumSplits(batch, norm_group > 0 ? norm_group : micro_batch);
}

int64_t HalfMicroBatch(int64_t micro_batch, int64_t norm_group) {
  return std::min(micro_batch, WholeGroups(micro_batch / 2, norm_group));
}

}  // namespace slimreel
