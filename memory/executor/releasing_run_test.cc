#include "memory/executor/releasing_run.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "memory/executor/test_chains.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

// Plain gradient descent that may be called again after it ran out of memory.
void Descend(const Tensors& parameters) {
  const c10::AutoGradMode no_grad(false);
  for (const at::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    const at::Tensor change = parameter.grad() * 0.1;
    at::Tensor(parameter).sub_(change);
    parameter.mutable_grad().reset();
  }
}

// A chain with its parameters and buffers after one step.
struct Subject {
  explicit Subject(const std::string& name) : chain(MakeTestChain(name)), executor(chain.Chain()) {}

  Schedule Words(const std::string& words) const {
    return MakeSchedule(ParseStageModes(words, executor.num_scheduled_stages() - 1).value());
  }
  void StepAtTheEnd(const std::string& words) {
    loss = executor.Run(Words(words), TestContext(), chain.inputs)[0];
    Descend(chain.Parameters());
  }
  ReleasingRun MakeRun() {
    return {&executor, [groups = ReleaseGroups(executor.ScheduledStages())](int stage) {
              Descend(groups[stage]);
            }};
  }
  // Undoes an attempt that released nothing, as a step does.
  void Undo(const Tensors& buffers) const {
    chain.ClearGradients();
    for (size_t i = 0; i < buffers.size(); ++i) chain.Buffers()[i].copy_(buffers[i]);
  }
  // Returns whether the run released something before it went forward again.
  bool StepInBackward(const Schedule& schedule, int64_t fails_at = AllocationFault::kNever) {
    Tensors buffers;
    for (const at::Tensor& buffer : chain.Buffers()) buffers.push_back(buffer.clone());
    const AllocationFault fault(fails_at);
    std::optional<ReleasingRun> run(MakeRun());
    bool forward_again = false;
    for (bool done = false; !done;) {
      if (!run->has_released()) run.emplace(MakeRun());
      try {
        loss = run->Run(schedule, TestContext(), chain.inputs)[0];
        done = true;
      } catch (const c10::OutOfMemoryError&) {
      }
      if (done) break;
      forward_again = run->has_released();
      if (!run->has_released()) Undo(buffers);
    }
    num_allocations = fault.num_seen();
    return forward_again;
  }
  void ExpectEqual(const Subject& other) const {
    EXPECT_TRUE(at::equal(loss, other.loss));
    for (size_t i = 0; i < chain.Parameters().size(); ++i) {
      EXPECT_TRUE(at::equal(chain.Parameters()[i], other.chain.Parameters()[i])) << i;
      EXPECT_FALSE(chain.Parameters()[i].grad().defined()) << i;
    }
    for (size_t i = 0; i < chain.Buffers().size(); ++i) {
      EXPECT_TRUE(at::equal(chain.Buffers()[i], other.chain.Buffers()[i])) << "buffer " << i;
    }
  }

  TestChain chain;
  Executor executor;
  at::Tensor loss;
  int64_t num_allocations = 0;
};

class ReleasingRunTest : public testing::TestWithParam<std::string> {};

TEST_P(ReleasingRunTest, GivesTheBitsOfAnUpdateAfterTheWholeBackward) {
  Subject expected(GetParam());
  expected.StepAtTheEnd("keep");
  for (const Schedule& schedule : TestSchedules(expected.executor.num_scheduled_stages())) {
    Subject subject(GetParam());
    EXPECT_FALSE(subject.StepInBackward(schedule));
    subject.ExpectEqual(expected);
  }
}

// Every allocation fails once, also those after the first update.
TEST_P(ReleasingRunTest, OutOfMemoryAnywhereGivesTheSameBits) {
  Subject expected(GetParam());
  expected.StepAtTheEnd("keep");
  for (const char* words : {"keep", "checkpoint"}) {
    Subject counted(GetParam());
    counted.StepInBackward(counted.Words(words));
    int64_t forward_again = 0;
    for (int64_t nth = 0; nth < counted.num_allocations; ++nth) {
      SCOPED_TRACE(std::string(words) + ", allocation " + std::to_string(nth));
      Subject subject(GetParam());
      const int64_t before = ReadCpuMemory().live_bytes;
      forward_again += subject.StepInBackward(subject.Words(words), nth) ? 1 : 0;
      subject.ExpectEqual(expected);
      subject.loss.reset();
      ASSERT_EQ(ReadCpuMemory().live_bytes, before);
    }
    EXPECT_GT(forward_again, counted.num_allocations / 8) << words;
    EXPECT_LT(forward_again, counted.num_allocations) << words;
  }
}

INSTANTIATE_TEST_SUITE_P(Chains, ReleasingRunTest, testing::ValuesIn(TestChainNames()),
                         [](const auto& info) { return info.param; });

TEST(ReleaseGroupsTest, ATiedParameterWaitsForItsLowestStage) {
  const TestChain chain = MakeTestChain("tied");
  const std::vector<Tensors> groups = ReleaseGroups(chain.Chain());
  ASSERT_EQ(groups.size(), chain.stages.size());
  const at::Tensor table = chain.stages[6]->parameters()[0].tensor;
  ASSERT_TRUE(table.is_same(chain.stages[2]->parameters()[0].tensor)) << "the table is tied";
  EXPECT_TRUE(groups[6].empty());
  ASSERT_EQ(groups[2].size(), 1u);
  EXPECT_TRUE(groups[2][0].is_same(table));
}

TEST(ReleaseGroupsTest, FrozenParametersAreInNoGroup) {
  const TestChain chain = MakeTestChain("frozen_prefix");
  const std::vector<Tensors> groups = ReleaseGroups(chain.Chain());
  EXPECT_TRUE(groups[0].empty());
  EXPECT_EQ(groups[2].size(), 1u);
}

// All gradients of five equal layers against one layer's.
TEST(ReleasingRunPeakTest, GradientsDoNotLiveTogether) {
  int64_t peaks[2];
  for (bool release : {false, true}) {
    Subject subject("dense");
    const int64_t before = ReadCpuMemory().live_bytes;
    ResetCpuPeaks();
    if (release) {
      subject.StepInBackward(subject.Words("checkpoint"));
    } else {
      subject.StepAtTheEnd("checkpoint");
    }
    peaks[release] = ReadCpuMemory().peak_live_bytes - before;
  }
  const auto layer =
      static_cast<int64_t>(MakeTestChain("dense").stages[0]->parameters()[0].tensor.nbytes());
  EXPECT_LE(peaks[true], peaks[false] - 3 * layer);
}

}  // namespace
}  // namespace slimreel
