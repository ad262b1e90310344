#include "data/pipeline/prepare_sizing.h"

#include <algorithm>

namespace slimreel {

PrepareSizing SizePreparation(int wanted_workers, int64_t budget_bytes) {
  const int64_t room = budget_bytes / 2 / kDecoderBytes;
  PrepareSizing sizing;
  sizing.num_workers =
      static_cast<int>(std::clamp<int64_t>(room, 1, std::max<int64_t>(1, wanted_workers)));
  sizing.memory_bytes =
      std::max(budget_bytes - sizing.num_workers * kDecoderBytes, budget_bytes / 2);
  sizing.lowered = sizing.num_workers < wanted_workers;
  return sizing;
}

}  // namespace slimreel
