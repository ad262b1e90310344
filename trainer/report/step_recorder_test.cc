// What is recorded is compared with the allocator's own counts and with the plan's operations.
#include "trainer/report/step_recorder.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "memory/executor/schedule_text.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/loop/tiny_learner.h"
#include "trainer/loop/train_step.h"

namespace slimreel {
namespace {

constexpr int64_t kMicroBatch = 2;
constexpr int64_t kMicroBatches = 2;

TrainStepOptions StepOptions() {
  TrainStepOptions options;
  options.seed = kTinySeed;
  options.norm_group = options.limits.norm_group = 1;
  return options;
}

// A learner whose steps are recorded.
struct Subject {
  explicit Subject(const std::string& schedule, const StepRecorderOptions& options = {})
      : learner("r3d_nano"),
        step(*learner.model, &learner.executor, &learner.optimizer, StepOptions(),
             learner.PlanOf(schedule, kMicroBatch)),
        recorder(learner.executor.stage_names(), at::kCPU, options) {
    step.set_hooks(&recorder);
  }

  void Run(int64_t number) {
    outcome = step.Run(batch, number, /*lr=*/0.1);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    retries += outcome->oom_retries;
  }

  Batch batch = OpenTinyLoader(/*samples=*/8, kMicroBatch* kMicroBatches)->Next().value();
  TinyLearner learner;
  TrainStep step;
  StepRecorder recorder;
  absl::StatusOr<StepOutcome> outcome;  // of the last step; its scalars live
  int64_t retries = 0;
};

class StepCurveTest : public ::testing::TestWithParam<int64_t> {};

// With room for few points the curve is merged, but its highest point is not.
TEST_P(StepCurveTest, ItsHighestPointIsTheAllocatorsPeakTagByTag) {
  Subject subject("keep", {.max_points = GetParam()});
  ResetCpuPeaks();
  subject.Run(0);
  const CpuMemoryReading reading = ReadCpuMemory();
  const auto trace = subject.recorder.Take();
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->PeakBytes(), reading.peak_live_bytes);
  EXPECT_LE(static_cast<int64_t>(trace->point_us.size()), GetParam() + 1);
  EXPECT_GE(static_cast<int64_t>(trace->point_us.size()), std::min<int64_t>(GetParam() / 2, 100));
  EXPECT_TRUE(std::is_sorted(trace->point_us.begin(), trace->point_us.end()));
  size_t highest = 0;
  while (trace->PointTotal(highest) != trace->PeakBytes()) ++highest;
  for (size_t tag = 0; tag < trace->tags.size(); ++tag) {
    EXPECT_EQ(trace->point_bytes[highest * trace->tags.size() + tag],
              At(reading.peak_by_tag, kMemoryTagsInOrder[tag]))
        << trace->tags[tag];
  }
  EXPECT_EQ(trace->PointTotal(trace->point_us.size() - 1), reading.live_bytes);
  int64_t of_operations = 0;
  for (const auto& operation : trace->operations) {
    EXPECT_GE(operation.peak_bytes, std::max(operation.begin_bytes, operation.end_bytes));
    EXPECT_GE(operation.end_us, operation.begin_us);
    of_operations = std::max(of_operations, operation.peak_bytes);
  }
  EXPECT_EQ(of_operations, reading.peak_live_bytes);
}

INSTANTIATE_TEST_SUITE_P(Points, StepCurveTest, ::testing::Values(8, 64, 100000));

TEST(StepRecorderTest, OperationsAreThoseOfThePlanForEachMicroBatch) {
  Subject subject("checkpoint");
  subject.Run(0);
  auto trace = subject.recorder.Take();
  ASSERT_TRUE(trace.has_value());
  // The stage that makes floats of frames learns nothing: it is a prefix of each micro-batch.
  EXPECT_EQ(std::erase_if(trace->operations, [](const auto& op) { return op.op == "prefix"; }),
            size_t{kMicroBatches});
  const Plan& plan = subject.step.plan();
  ASSERT_EQ(trace->operations.size(), kMicroBatches * plan.schedule.size() + 1);
  std::vector<bool> visited(plan.stages.size());
  for (size_t n = 0; n + 1 < trace->operations.size(); ++n) {
    const Op& op = plan.schedule[n % plan.schedule.size()];
    if (n % plan.schedule.size() == 0) visited.assign(plan.stages.size(), false);
    const TracedOperation& operation = trace->operations[n];
    EXPECT_EQ(operation.op, OpName(op.kind));
    EXPECT_EQ(operation.stage, plan.stages[op.stage]);
    EXPECT_EQ(operation.micro_batch, static_cast<int64_t>(n / plan.schedule.size()));
    EXPECT_EQ(operation.attempt, 0);
    if (op.kind == OpKind::kBackward) continue;
    EXPECT_EQ(operation.recompute, visited[op.stage]) << n;
    visited[op.stage] = true;
  }
  EXPECT_EQ(trace->operations.back().op, "update");
  EXPECT_TRUE(trace->operations.back().stage.empty());
}

TEST(StepRecorderTest, TheSingleAllocationsAddUpToTheCurve) {
  Subject subject("keep", {.allocations = true, .max_points = 100000});
  subject.Run(0);
  const auto trace = subject.recorder.Take();
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->left_out_allocations, 0);
  int64_t live = trace->PointTotal(0);
  int64_t peak = live;
  for (const TracedAllocation& allocation : trace->allocations) {
    live += allocation.bytes;
    peak = std::max(peak, live);
  }
  EXPECT_EQ(peak, trace->PeakBytes());
  EXPECT_EQ(live, trace->PointTotal(trace->point_us.size() - 1));
  const auto of_batch =
      std::find_if(trace->allocations.begin(), trace->allocations.end(),
                   [](const TracedAllocation& allocation) { return allocation.block == 0; });
  ASSERT_NE(of_batch, trace->allocations.end());
  EXPECT_EQ(of_batch->bytes, subject.batch.bytes() / 2) << "the first of two micro-batches";
  EXPECT_EQ(trace->tags[of_batch->tag], "input");
}

TEST(StepRecorderTest, FullListsCountWhatTheyLeaveOut) {
  Subject whole("keep", {.allocations = true});
  whole.Run(0);
  const auto all = whole.recorder.Take();
  Subject cut("keep", {.allocations = true, .max_operations = 5, .max_allocations = 7});
  cut.Run(0);
  const auto some = cut.recorder.Take();
  ASSERT_TRUE(all && some);
  EXPECT_EQ(some->operations.size(), 5u);
  EXPECT_EQ(some->allocations.size(), 7u);
  EXPECT_EQ(some->left_out_operations + 5, static_cast<int64_t>(all->operations.size()));
  EXPECT_EQ(some->left_out_allocations + 7, static_cast<int64_t>(all->allocations.size()));
  EXPECT_EQ(some->PeakBytes() - some->PointTotal(0), all->PeakBytes() - all->PointTotal(0));
}

TEST(StepRecorderTest, OnlyTheChosenStepIsRecordedAndOnlyOnce) {
  Subject subject("keep", {.step = 2});
  subject.Run(0);
  EXPECT_FALSE(subject.recorder.Take().has_value());
  subject.Run(1);
  subject.Run(2);
  const auto trace = subject.recorder.Take();
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->step, 2);
  EXPECT_FALSE(subject.recorder.Take().has_value());
}

TEST(StepRecorderTest, ARecordedStepLearnsTheSameBits) {
  Subject recorded("checkpoint", {.allocations = true, .max_points = 8, .max_operations = 3});
  Subject plain("checkpoint");
  plain.step.set_hooks(nullptr);
  for (int n = 0; n < 3; ++n) {
    recorded.Run(n);
    plain.Run(n);
  }
  const auto expected = Parameters(*plain.learner.model);
  const auto actual = Parameters(*recorded.learner.model);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t n = 0; n < expected.size(); ++n) {
    EXPECT_TRUE(at::equal(actual[n].tensor, expected[n].tensor)) << expected[n].name;
  }
}

TEST(StepRecorderTest, AFailedAttemptIsPartOfTheStep) {
  Subject subject("keep");
  ResetCpuPeaks();
  subject.Run(0);
  const CpuMemoryReading natural = ReadCpuMemory();
  const int64_t budget = natural.peak_live_bytes - 1;
  StepRecorder recorder(subject.learner.executor.stage_names(), at::kCPU);
  subject.step.set_hooks(&recorder);
  ReleaseKeptCpuBlocks();
  SetCpuBudget(budget);
  subject.Run(1);
  SetCpuBudget(0);
  ASSERT_GT(subject.retries, 0);
  const auto trace = recorder.Take();
  ASSERT_TRUE(trace.has_value());
  EXPECT_LE(trace->PeakBytes(), budget);
  int64_t failed = 0;
  for (const auto& operation : trace->operations) failed += operation.failed;
  EXPECT_EQ(failed, subject.retries);
  EXPECT_EQ(trace->operations.back().attempt, subject.retries);
  EXPECT_EQ(trace->operations.front().attempt, 0);
}

}  // namespace
}  // namespace slimreel
