// Stage inputs that wait for their backward pass on the host.
#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <string>

#include "memory/executor/executor.h"
#include "memory/executor/schedule.h"
#include "memory/executor/test_chains.h"
#include "memory/paging/host_pool.h"
#include "memory/paging/offload_stack.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kBlockBytes = 1 << 22;

Schedule Checkpointed(const Executor& executor) {
  return MakeSchedule(
      std::vector<StageMode>(executor.num_scheduled_stages() - 1, StageMode::kCheckpoint));
}

void ExpectSameBits(const StepResult& a, const StepResult& b) {
  EXPECT_TRUE(at::equal(a.loss, b.loss));
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    ASSERT_EQ(a.gradients[i].defined(), b.gradients[i].defined()) << i;
    if (a.gradients[i].defined()) {
      EXPECT_TRUE(at::equal(a.gradients[i], b.gradients[i])) << i;
    }
  }
  for (size_t i = 0; i < a.buffers.size(); ++i) {
    EXPECT_TRUE(at::equal(a.buffers[i], b.buffers[i])) << "buffer " << i;
  }
}

class OffloadTest : public testing::TestWithParam<std::string> {};

TEST_P(OffloadTest, EveryScheduleKeepsItsBits) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, kBlockBytes);
  const TestChain kept = MakeTestChain(GetParam());
  Executor kept_executor(kept.Chain());
  const int num_stages = kept_executor.num_scheduled_stages();
  for (const Schedule& schedule : TestSchedules(num_stages)) {
    const TestChain on_device = MakeTestChain(GetParam());
    Executor plain(on_device.Chain());
    const at::Tensor loss = plain.Run(schedule, TestContext(), on_device.inputs)[0];
    const TestChain chain = MakeTestChain(GetParam());
    Executor executor(chain.Chain());
    executor.set_offload(&stack);
    const at::Tensor other = executor.Run(schedule, TestContext(), chain.inputs)[0];
    ExpectSameBits(TakeResult(chain, other), TakeResult(on_device, loss));
    EXPECT_EQ(stack.used_bytes(), 0);
  }
  EXPECT_GT(stack.peak_bytes(), 0) << "nothing went to the host";
}

// Every allocation fails once: no place on the host and no byte on the device stays taken.
TEST_P(OffloadTest, OutOfMemoryAnywhereLeavesNothingBehind) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, kBlockBytes);
  const TestChain chain = MakeTestChain(GetParam());
  Executor executor(chain.Chain());
  executor.set_offload(&stack);
  const int64_t before = ReadCpuMemory().live_bytes;
  bool thrown = true;
  for (int64_t nth = 0; thrown; ++nth) {
    {
      const AllocationFault fault(nth);
      try {
        executor.Run(Checkpointed(executor), TestContext(), chain.inputs);
      } catch (const c10::OutOfMemoryError&) {
      }
      thrown = fault.thrown();
    }
    chain.ClearGradients();
    ASSERT_EQ(stack.used_bytes(), 0) << nth;
    ASSERT_EQ(ReadCpuMemory().live_bytes, before) << nth;
  }
}

INSTANTIATE_TEST_SUITE_P(Chains, OffloadTest, testing::ValuesIn(TestChainNames()),
                         [](const auto& info) { return info.param; });

// Five layers of one width. The first input is the caller's. At the plain peak, in the backward of
// the last layer, three inputs wait below. The peak with offload is a later one, with more
// gradients of weights, so it is lower by a little less.
TEST(OffloadPeakTest, TheInputsOfCheckpointedStagesLeaveTheDevice) {
  HostPool pool;
  OffloadStack stack(&pool, at::kCPU, kBlockBytes);
  int64_t peaks[2];
  int64_t input_bytes = 0;
  for (bool offload : {false, true}) {
    const TestChain chain = MakeTestChain("dense");
    const Tensors inputs = {chain.inputs[0].repeat({200, 1})};
    input_bytes = static_cast<int64_t>(inputs[0].nbytes());
    Executor executor(chain.Chain());
    if (offload) executor.set_offload(&stack);
    const int64_t before = ReadCpuMemory().live_bytes;
    ResetCpuPeaks();
    executor.Run(Checkpointed(executor), TestContext(), inputs);
    peaks[offload] = ReadCpuMemory().peak_live_bytes - before;
  }
  EXPECT_GE(stack.peak_bytes(), 4 * input_bytes);
  EXPECT_LE(peaks[true], peaks[false] - 5 * input_bytes / 2);
}

}  // namespace
}  // namespace slimreel
