#include "memory/executor/executor.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "memory/executor/test_chains.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

void ExpectSameBits(const Tensors& a, const Tensors& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].defined(), b[i].defined()) << what << " " << i;
    if (!a[i].defined()) continue;
    EXPECT_TRUE(at::equal(a[i], b[i])) << what << " " << i;
  }
}

void ExpectSameBits(const StepResult& a, const StepResult& b) {
  EXPECT_TRUE(at::equal(a.loss, b.loss));
  ExpectSameBits(a.gradients, b.gradients, "gradient");
  ExpectSameBits(a.buffers, b.buffers, "buffer");
}

Schedule AllKept(const Executor& executor) {
  return MakeSchedule(
      std::vector<StageMode>(executor.num_scheduled_stages() - 1, StageMode::kKeep));
}

StepResult RunFresh(const std::string& name, const Schedule& schedule) {
  const TestChain chain = MakeTestChain(name);
  Executor executor(chain.Chain());
  const Tensors out = executor.Run(schedule, TestContext(), chain.inputs);
  return TakeResult(chain, out.at(0));
}

class ExecutorTest : public testing::TestWithParam<std::string> {};

TEST_P(ExecutorTest, AllKeptEqualsOneConnectedGraph) {
  const TestChain connected = MakeTestChain(GetParam());
  const StepResult expected = TakeResult(connected, RunConnected(connected, TestContext()));
  const TestChain chain = MakeTestChain(GetParam());
  Executor executor(chain.Chain());
  const Tensors out = executor.Run(AllKept(executor), TestContext(), chain.inputs);
  const StepResult result = TakeResult(chain, out.at(0));
  if (!chain.tied) return ExpectSameBits(result, expected);
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    EXPECT_TRUE(at::allclose(result.gradients[i], expected.gradients[i], 1e-5, 1e-7)) << i;
  }
}

TEST_P(ExecutorTest, EveryScheduleGivesTheSameBits) {
  const int num_stages = Executor(MakeTestChain(GetParam()).Chain()).num_scheduled_stages();
  const std::vector<Schedule> schedules = TestSchedules(num_stages);
  const StepResult expected = RunFresh(GetParam(), schedules[0]);
  int most_visits = 0;
  for (const Schedule& schedule : schedules) {
    ASSERT_TRUE(ValidateSchedule(schedule, num_stages).ok());
    ExpectSameBits(RunFresh(GetParam(), schedule), expected);
    std::vector<int> visits(num_stages);
    for (const Op& op : schedule) {
      if (op.kind != OpKind::kBackward) most_visits = std::max(most_visits, ++visits[op.stage]);
    }
  }
  EXPECT_GE(most_visits, 3);
}

TEST_P(ExecutorTest, GradientsOfMicroBatchesAdd) {
  const TestChain chain = MakeTestChain(GetParam());
  Executor executor(chain.Chain());
  executor.Run(AllKept(executor), TestContext(), chain.inputs);
  Tensors once;
  for (const at::Tensor& gradient : TakeResult(chain, {}).gradients) {
    once.push_back(gradient.defined() ? gradient.clone() : gradient);
  }
  executor.Run(AllKept(executor), TestContext(), chain.inputs);
  const Tensors twice = TakeResult(chain, {}).gradients;
  for (size_t i = 0; i < once.size(); ++i) {
    if (!once[i].defined()) continue;
    EXPECT_TRUE(at::allclose(twice[i], once[i] * 2)) << i;
  }
}

TEST_P(ExecutorTest, PeakOfAllKeptIsNotAboveTheConnectedGraph) {
  const TestChain chain = MakeTestChain(GetParam());
  Executor executor(chain.Chain());
  const Schedule schedule = AllKept(executor);
  ResetCpuPeaks();
  RunConnected(chain, TestContext());
  const int64_t connected = ReadCpuMemory().peak_live_bytes;
  chain.ClearGradients();
  ResetCpuPeaks();
  executor.Run(schedule, TestContext(), chain.inputs);
  EXPECT_LE(ReadCpuMemory().peak_live_bytes, connected);
}

TEST_P(ExecutorTest, OutOfMemoryAnywhereLeavesNothingBehind) {
  const TestChain chain = MakeTestChain(GetParam());
  Executor executor(chain.Chain());
  const Schedule schedule =
      MakeSchedule(ParseStageModes("every:2", executor.num_scheduled_stages() - 1).value());
  executor.Run(schedule, TestContext(), chain.inputs);  // libraries allocate their scratch now
  chain.ClearGradients();
  const int64_t before = ReadCpuMemory().live_bytes;
  ResetCpuPeaks();
  executor.Run(schedule, TestContext(), chain.inputs);
  const int64_t peak = ReadCpuMemory().peak_live_bytes;
  chain.ClearGradients();
  ASSERT_EQ(ReadCpuMemory().live_bytes, before);
  int refused = 0;
  for (int64_t budget = before + 1; budget < peak; budget += 509) {
    SetCpuBudget(budget);
    try {
      executor.Run(schedule, TestContext(), chain.inputs);
    } catch (const c10::OutOfMemoryError&) {
      ++refused;
    }
    SetCpuBudget(0);
    chain.ClearGradients();
    ASSERT_EQ(ReadCpuMemory().live_bytes, before) << budget;
  }
  EXPECT_EQ(refused, (peak - 1 - before + 508) / 509);
}

INSTANTIATE_TEST_SUITE_P(Chains, ExecutorTest, testing::ValuesIn(TestChainNames()),
                         [](const auto& info) { return info.param; });

TEST(ExecutorRunTest, FrozenPrefixRunsOnceAndIsNotScheduled) {
  const TestChain chain = MakeTestChain("frozen_prefix");
  Executor executor(chain.Chain());
  EXPECT_EQ(executor.frozen_prefix(), 2);
  EXPECT_EQ(executor.num_scheduled_stages(), 4);
  executor.Run(AllKept(executor), TestContext(), chain.inputs);
  const Tensors parameters = chain.Parameters();
  EXPECT_FALSE(parameters[0].grad().defined());
  EXPECT_FALSE(parameters[1].grad().defined());
  EXPECT_TRUE(parameters[2].grad().defined());
}

TEST(ExecutorRunTest, CheckpointingLowersThePeak) {
  int64_t peaks[2];
  for (int n = 0; n < 2; ++n) {
    const TestChain chain = MakeTestChain("batch_norm");
    Executor executor(chain.Chain());
    const char* words = n == 0 ? "keep" : "checkpoint";
    const Schedule schedule =
        MakeSchedule(ParseStageModes(words, executor.num_scheduled_stages() - 1).value());
    const int64_t before = ReadCpuMemory().live_bytes;
    ResetCpuPeaks();
    executor.Run(schedule, TestContext(), {chain.inputs[0].repeat({64, 1})});
    peaks[n] = ReadCpuMemory().peak_live_bytes - before;
  }
  EXPECT_LT(peaks[1], peaks[0]);
}

TEST(ExecutorRunTest, StageThatWritesItsInputIsNamed) {
  LambdaStage good(
      "good", {at::ones({2}).requires_grad_(true)}, {},
      [](const StageContext&, const Tensors& p, Tensors in) -> Tensors { return {in[0] * p[0]}; });
  LambdaStage bad("bad", {}, {}, [](const StageContext&, const Tensors&, Tensors in) -> Tensors {
    return {in[0].detach().mul_(2).sum()};
  });
  Executor executor({&good, &bad});
  try {
    executor.Run(AllKept(executor), TestContext(), {at::ones({2})});
    FAIL() << "the write was not detected";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("stage bad wrote its input slot 0"),
              std::string::npos);
  }
}

TEST(ExecutorRunTest, FalseHandedOnDeclarationIsNamed) {
  LambdaStage stage("liar", {at::ones({2}).requires_grad_(true)}, {0},
                    [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
                      return {(in[0] * p[0]).sum()};
                    });
  Executor executor({&stage});
  EXPECT_THROW(executor.Run(AllKept(executor), TestContext(), {at::ones({2})}), c10::Error);
}

TEST(ExecutorRunTest, CallerThatMovesItsInputsFreesThemAtTheirLastUse) {
  LambdaStage first("first", {at::ones({1}).requires_grad_(true)}, {},
                    [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
                      return {in[0].sum() * p[0]};
                    });
  int64_t live_in_second = -1;
  LambdaStage second("second", {}, {},
                     [&](const StageContext&, const Tensors&, Tensors in) -> Tensors {
                       live_in_second = ReadCpuMemory().live_bytes;
                       return {in[0].sum()};
                     });
  Executor executor({&first, &second});
  const Schedule schedule = AllKept(executor);
  const int64_t before = ReadCpuMemory().live_bytes;
  Tensors inputs(1, at::ones({1 << 16}));
  executor.Run(schedule, TestContext(), std::move(inputs));
  EXPECT_LT(live_in_second - before, 1 << 16);
}

}  // namespace
}  // namespace slimreel
