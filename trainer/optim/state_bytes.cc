#include "trainer/optim/state_bytes.h"

namespace slimreel {
namespace {

// See Note [Reserved before the first step] in optimizer.cc.
constexpr int64_t kReservePerParameter = 512;
constexpr int64_t kReserveFloor = 64 * 1024;
constexpr int64_t kCounterIncrement = sizeof(float);  // the number that step counters rise by

}  // namespace

int64_t OptimizerStateBytes(const TrainOptions& options, const std::vector<NamedTensor>& parameters,
                            int64_t block_bytes) {
  const auto rounded = [&](int64_t bytes) {
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
  };
  int64_t bytes = 0;
  for (const NamedTensor& named : parameters) {
    const int64_t tensor = rounded(static_cast<int64_t>(named.tensor.nbytes()));
    if (options.optimizer == OptimizerKind::kSgd) {
      bytes += options.momentum != 0.0 ? tensor : 0;
    } else {
      bytes += 2 * tensor + rounded(sizeof(float));  // two moments and a step counter
    }
  }
  return bytes;
}

int64_t OptimizerReserveBytes(int64_t num_parameters) {
  if (num_parameters == 0) return 0;
  return kReserveFloor + kReservePerParameter * num_parameters + kCounterIncrement;
}

}  // namespace slimreel
