#include "memory/stage/step_log.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kChannels = 7;

struct Averages {
  explicit Averages(at::ScalarType dtype = at::kFloat)
      : mean(at::zeros({kChannels}, dtype)), variance(at::ones({kChannels}, dtype)) {}
  at::Tensor mean, variance, counter = at::zeros({}, at::kLong);
  StepLog log{{mean, variance}, counter, 0.1};
  int64_t count() const { return counter.item<int64_t>(); }
};

// [entries, 2, kChannels]
at::Tensor Entries(int64_t entries, double phase) {
  return at::arange(entries * 2 * kChannels, at::kDouble)
      .mul(1.7)
      .add(phase)
      .sin()
      .view({entries, 2, kChannels});
}

at::Tensor Moved(at::Tensor average, const at::Tensor& values) {
  for (const at::Tensor& value : values.unbind(0)) average = average + 0.1 * (value - average);
  return average;
}

TEST(StepLogTest, CommitMovesByTheEntriesInTheOrderOfTheirPositions) {
  Averages averages(at::kDouble);
  const at::Tensor first = Entries(2, 0.1), second = Entries(1, 0.5), third = Entries(3, 0.9);
  averages.log.Append(4, 1).copy_(second);
  averages.log.Append(6, 3).copy_(third);
  averages.log.Append(0, 2).copy_(first);
  EXPECT_TRUE(at::equal(averages.mean, at::zeros({kChannels}, at::kDouble))) << "not before Commit";
  CommitLogs({&averages.log});
  const at::Tensor all = at::cat({first, second, third});
  EXPECT_TRUE(
      at::equal(averages.mean, Moved(at::zeros({kChannels}, at::kDouble), all.select(1, 0))));
  EXPECT_TRUE(
      at::equal(averages.variance, Moved(at::ones({kChannels}, at::kDouble), all.select(1, 1))));
  EXPECT_EQ(averages.count(), 6);
  CommitLogs({&averages.log});
  EXPECT_EQ(averages.count(), 6) << "the log was emptied";
}

TEST(StepLogTest, DroppedEntriesLeaveNoTraceNotEvenNan) {
  Averages averages(at::kDouble);
  averages.log.Append(0, 4).fill_(std::numeric_limits<double>::quiet_NaN());
  DropLogs({&averages.log});
  EXPECT_EQ(averages.log.size(), 0);
  const at::Tensor entry = Entries(1, 0.2);
  averages.log.Append(0, 1).copy_(entry);
  CommitLogs({&averages.log});
  EXPECT_TRUE(at::equal(averages.mean, 0.1 * entry[0][0]));
  EXPECT_EQ(averages.count(), 1);
}

// Logs of unequal length, as of a layer that a step does not reach.
TEST(StepLogTest, TheDevicesWayMovesEveryLogAsTheLoopsDo) {
  Averages by_loops[3], by_lists[3];
  for (int l = 0; l < 3; ++l) {
    for (Averages* averages : {&by_loops[l], &by_lists[l]}) {
      averages->log.Append(5, l).copy_(Entries(l, 0.3));
      averages->log.Append(0, 2).copy_(Entries(2, l));
    }
  }
  StepLog::FoldByLists({&by_lists[0].log, &by_lists[1].log, &by_lists[2].log});
  CommitLogs({&by_loops[0].log, &by_loops[1].log, &by_loops[2].log});
  for (int l = 0; l < 3; ++l) {
    EXPECT_TRUE(at::allclose(by_lists[l].mean, by_loops[l].mean, 1e-6, 1e-7)) << l;
    EXPECT_TRUE(at::allclose(by_lists[l].variance, by_loops[l].variance, 1e-6, 1e-7)) << l;
    EXPECT_EQ(by_lists[l].count(), 2 + l);
  }
}

TEST(StepLogTest, AReservedStepAllocatesNothing) {
  Averages averages;
  averages.log.Reserve(8);
  const at::Tensor values = Entries(4, 0.4);
  const int64_t live = ReadCpuMemory().live_bytes;
  SetCpuBudget(live);
  for (int step = 0; step < 3; ++step) {
    for (int64_t first : {0, 4}) averages.log.Append(first, 4).copy_(values);
    CommitLogs({&averages.log});
  }
  SetCpuBudget(0);
  EXPECT_EQ(ReadCpuMemory().live_bytes, live);
  EXPECT_EQ(averages.count(), 24);
}

TEST(StepLogTest, AStepWithoutAReserveKeepsItsFirstEntriesWhenTheLogGrows) {
  Averages averages(at::kDouble);
  const at::Tensor values = Entries(9, 0.4);
  for (int64_t i = 0; i < 9; ++i) averages.log.Append(i, 1).copy_(values[i]);
  CommitLogs({&averages.log});
  EXPECT_TRUE(
      at::equal(averages.mean, Moved(at::zeros({kChannels}, at::kDouble), values.select(1, 0))));
}

}  // namespace
}  // namespace slimreel
