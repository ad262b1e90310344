#include "trainer/optim/state_bytes.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "memory/tracking/cpu_allocator.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

std::vector<NamedTensor> Parameters(at::DeviceType device) {
  std::vector<NamedTensor> parameters;
  for (const int64_t size : {3, 1000, 129}) {
    parameters.push_back({"p" + std::to_string(size),
                          at::zeros({size}, at::TensorOptions(at::kFloat).device(device))});
    parameters.back().tensor.set_requires_grad(true);
  }
  return parameters;
}

TEST(StateBytesTest, EqualWhatAnOptimizerHolds) {
  struct Case {
    OptimizerKind kind;
    double momentum;
  };
  for (const Case& made : {Case{OptimizerKind::kAdamW, 0.9},
                           {OptimizerKind::kAdam, 0.9},
                           {OptimizerKind::kSgd, 0.9},
                           {OptimizerKind::kSgd, 0.0}}) {
    TrainOptions options;
    options.optimizer = made.kind;
    options.momentum = made.momentum;
    const std::vector<NamedTensor> parameters = Parameters(at::kCPU);
    const int64_t before = ReadCpuMemory().live_bytes;
    const Optimizer optimizer(options, MakeParamGroups(parameters, 0.01, false));
    const int64_t state = OptimizerStateBytes(options, Parameters(at::kMeta), /*block_bytes=*/1);
    EXPECT_EQ(state, optimizer.StateBytes());
    // Besides state and reserve, an optimizer has at most one scalar of its own.
    const int64_t held = ReadCpuMemory().live_bytes - before;
    EXPECT_GE(held, state + OptimizerReserveBytes(3));
    EXPECT_LE(held, state + OptimizerReserveBytes(3) + 4);
  }
}

TEST(StateBytesTest, BlocksAreRoundedUpOneByOne) {
  // 3, 1000 and 129 floats: 512, 4096 and 1024 bytes, twice each, and three counters.
  EXPECT_EQ(OptimizerStateBytes(TrainOptions(), Parameters(at::kMeta), 512),
            2 * (512 + 4096 + 1024) + 3 * 512);
}

}  // namespace
}  // namespace slimreel
