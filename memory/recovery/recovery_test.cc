#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <dnnl.hpp>
#include <new>
#include <stdexcept>

#include "base/failing_new.h"
#include "memory/executor/executor.h"
#include "memory/executor/test_chains.h"
#include "memory/recovery/out_of_memory.h"
#include "memory/recovery/step_transaction.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

// As the trainer does: only the answer leaves the catch block, never the exception.
template <typename Body>
bool RunsOutOfMemory(Body body) {
  bool out_of_memory = false;
  try {
    body();
  } catch (const std::exception& error) {
    out_of_memory = IsOutOfMemory(error);
  }
  return out_of_memory;
}

TEST(OutOfMemoryTest, EveryKindIsRecognisedByType) {
  EXPECT_TRUE(RunsOutOfMemory([] { throw std::bad_alloc(); }));
  EXPECT_TRUE(RunsOutOfMemory([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "full"); }));
  EXPECT_TRUE(RunsOutOfMemory([] { throw dnnl::error(dnnl_out_of_memory, "anything"); }));
  EXPECT_TRUE(RunsOutOfMemory([] { at::empty({int64_t{1} << 60}); }));
}

TEST(OutOfMemoryTest, OtherErrorsAreNotOutOfMemory) {
  EXPECT_FALSE(RunsOutOfMemory([] { throw std::runtime_error("out of memory"); }));
  EXPECT_FALSE(RunsOutOfMemory([] { TORCH_CHECK(false, "out of memory"); }));
  EXPECT_FALSE(RunsOutOfMemory([] { throw dnnl::error(dnnl_unimplemented, "no"); }));
}

class RolledBackStep {
 public:
  RolledBackStep() : chain_(MakeTestChain("batch_norm")), executor_(chain_.Chain()) {}
  Schedule Words(const char* words) {
    return MakeSchedule(ParseStageModes(words, executor_.num_scheduled_stages() - 1).value());
  }
  at::Tensor Run(const char* words) {
    StageContext context;
    context.training = true;
    return executor_.Run(Words(words), context, chain_.inputs)[0];
  }
  TestChain chain_;
  Executor executor_;
};

TEST(StepTransactionTest, StepAfterOutOfMemoryGivesTheBitsOfAnUndisturbedStep) {
  RolledBackStep undisturbed;
  const StepResult expected = TakeResult(undisturbed.chain_, undisturbed.Run("keep"));

  RolledBackStep step;
  StepTransaction transaction(step.chain_.Parameters(), step.chain_.Chain());
  transaction.Reserve(1);
  transaction.Begin();
  const int64_t before = ReadCpuMemory().live_bytes;
  int refused = 0;
  for (int64_t room = 1000; room < 30000; room += 4001) {
    SetCpuBudget(before + room);
    const bool out_of_memory = RunsOutOfMemory([&] { step.Run("keep"); });
    if (out_of_memory) ++refused;
    transaction.Rollback();
    EXPECT_EQ(ReadCpuMemory().live_bytes, before) << "room " << room;
  }
  SetCpuBudget(0);
  EXPECT_GE(refused, 5);
  const StepResult result = TakeResult(step.chain_, step.Run("checkpoint"));
  EXPECT_TRUE(at::equal(result.loss, expected.loss));
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    EXPECT_TRUE(at::equal(result.gradients[i], expected.gradients[i])) << i;
  }
  for (size_t i = 0; i < expected.buffers.size(); ++i) {
    EXPECT_TRUE(at::equal(result.buffers[i], expected.buffers[i])) << i;
  }
}

TEST(StepTransactionTest, BeginRollbackAndCommitAllocateNothing) {
  RolledBackStep step;
  StepTransaction transaction(step.chain_.Parameters(), step.chain_.Chain());
  step.Run("keep");  // gradients to drop
  SetCpuBudget(ReadCpuMemory().live_bytes);
  {
    const FailingNew failing(0, FailingNew::kAllLater);
    EXPECT_NO_THROW(transaction.Begin());
    EXPECT_NO_THROW(transaction.Rollback());
    EXPECT_NO_THROW(transaction.Commit());
  }
  SetCpuBudget(0);
  EXPECT_EQ(FailingNew::TakeNumFailed(), 0);
}

}  // namespace
}  // namespace slimreel
