#include "memory/profile/chain_profiler.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/executor/test_chains.h"
#include "memory/profile/replay.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

StageContext Context() {
  StageContext context;
  context.training = true;
  context.loss_denominator = 6.0;
  return context;
}

// Peak of live bytes above what lived before, measured on the executor.
int64_t MeasuredPeak(const TestChain& chain, const Schedule& schedule, int micro_batches) {
  Executor executor(chain.Chain());
  chain.ClearGradients();
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  at::Tensor loss;
  for (int n = 0; n < micro_batches; ++n) {
    const Tensors out = executor.Run(schedule, Context(), chain.inputs);
    loss = loss.defined() ? loss + out[0] : out[0];
  }
  const int64_t peak = ReadCpuMemory().peak_live_bytes - before;
  chain.ClearGradients();
  return peak;
}

ChainProfile ProfileOf(const TestChain& chain) {
  const Executor executor(chain.Chain());
  ChainProfiler profiler(chain.Chain(), executor.frozen_prefix(), at::kCPU);
  ProfileInput input;
  input.micro_batch = chain.inputs[0].size(0);
  input.context = Context();
  input.inputs = chain.inputs;
  return profiler.Profile(input);
}

class ChainProfilerTest : public testing::TestWithParam<std::string> {};

TEST_P(ChainProfilerTest, ThePredictedPeakOfEveryScheduleIsTheMeasuredOneToTheByte) {
  const TestChain chain = MakeTestChain(GetParam());
  const ChainProfile profile = ProfileOf(chain);
  EXPECT_EQ(profile.unexplained_bytes, 0);
  for (const Schedule& schedule : TestSchedules(static_cast<int>(profile.stages.size()))) {
    for (int micro_batches : {1, 2, 3}) {
      const std::vector<const ChainProfile*> step(micro_batches, &profile);
      EXPECT_EQ(ReplayStep(schedule, step).bytes, MeasuredPeak(chain, schedule, micro_batches))
          << micro_batches << " micro-batches";
    }
  }
}

TEST_P(ChainProfilerTest, MeasuringLeavesNothingBehind) {
  const TestChain chain = MakeTestChain(GetParam());
  ProfileOf(chain);  // kernels may keep what they make once
  const int64_t before = ReadCpuMemory().live_bytes;
  ProfileOf(chain);
  EXPECT_EQ(ReadCpuMemory().live_bytes, before);
  for (const at::Tensor& parameter : chain.Parameters()) EXPECT_FALSE(parameter.grad().defined());
}

INSTANTIATE_TEST_SUITE_P(Chains, ChainProfilerTest, testing::ValuesIn(TestChainNames()));

}  // namespace
}  // namespace slimreel
