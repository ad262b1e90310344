// Lets each allocation of the retried region run out of memory. Each must cost a retry, but no bit
// of the result and no byte of memory, and must not end the process. In a step that releases
// gradients the region holds the updates too.
// injection_sample.h says which allocations are tried.
#include <ATen/ops/equal.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "data/loading/loader.h"
#include "gtest/gtest.h"
#include "memory/executor/executor.h"
#include "memory/policy/plan.h"
#include "memory/policy/tighten.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/injection_sample.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

constexpr int64_t kSize = 32;  // pixels, height and width
constexpr int64_t kFrames = 8;
constexpr int64_t kClasses = 5;
constexpr int64_t kEffectiveBatch = 4;
constexpr int64_t kMicroBatch = 2;  // so that gradients of the first micro-batch exist
constexpr int kSteps = 2;           // so that buffers and optimizer state have moved before

// Trains two steps from scratch; one of them may run out of memory.
class Training {
 public:
  Training(const std::string& model_name, bool clips) {
    ModelSpec spec;
    spec.name = model_name;
    spec.num_classes = kClasses;
    spec.num_frames = kFrames;
    spec.height = spec.width = kSize;
    spec.dropout = 0.1;
    if (model_name == "video_vit_nano") spec.drop_path = 0.1;
    spec.seed = 3;
    model_ = BuildModel(spec).value();
    FreezeParameters(Parameters(*model_), {}).value();
    executor_ = std::make_unique<Executor>(model_->ChainWithLoss());
    optimizer_ = std::make_unique<Optimizer>(TrainOptions(),
                                             MakeParamGroups(Parameters(*model_), 0.01, false));
    options_.seed = 3;
    options_.norm_group = options_.limits.norm_group = 1;
    if (clips) options_.clip_grad_norm = 1.0;
    options_.effective_batch = kEffectiveBatch;
  }

  Plan PlanOf(const std::string& schedule) const {
    return MakePlan(kMicroBatch,
                    ParseStageModes(schedule, executor_->num_scheduled_stages() - 1).value(),
                    executor_->stage_names());
  }
  // One micro-batch, whose parameters are updated during backward.
  Plan ReleasingPlan(const std::string& schedule) const {
    Plan plan = PlanOf(schedule);
    plan.micro_batch = kEffectiveBatch;
    plan.release = true;
    return plan;
  }
  void Use(const Plan& plan) {
    step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), options_, plan);
  }
  void ForbidRetries() { options_.on_oom = OnOom::kFail; }
  const Plan& plan() const { return step_->plan(); }

  // Runs a step and returns false if nothing fitted. The live bytes are the same before and after.
  bool Step(const Batch& batch, int number) {
    const int64_t before = ReadCpuMemory().live_bytes;
    const absl::Status status = step_->Run(batch, number, 1e-3).status();
    EXPECT_EQ(ReadCpuMemory().live_bytes, before) << "the step leaked, or freed too much";
    EXPECT_TRUE(status.ok() || ExitCodeOf(status) == ExitCode::kNothingFits) << status;
    return status.ok();
  }

  // Copies of everything that must not depend on retries: weights, buffers, optimizer state.
  std::vector<NamedTensor> State() const {
    std::vector<NamedTensor> copies;
    for (const auto& list : {Parameters(*model_), Buffers(*model_), optimizer_->State()}) {
      for (const NamedTensor& named : list) {
        copies.push_back({named.name, named.tensor.detach().clone()});
      }
    }
    return copies;
  }

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Optimizer> optimizer_;
  TrainStepOptions options_;
  std::unique_ptr<TrainStep> step_;
};

// Names of the tensors that differ in a bit, joined.
std::string Differences(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  if (a.size() != b.size()) return "other tensors";
  std::string names;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i].tensor, b[i].tensor)) names += a[i].name + " ";
  }
  return names;
}

// Counts the allocations before the first charge. The charge begins the retried region.
class BeforeRegion final : public AllocationHook {
 public:
  BeforeRegion() { AddCpuAllocationHook(this); }
  ~BeforeRegion() override { RemoveCpuAllocationHook(this); }
  BeforeRegion(const BeforeRegion&) = delete;
  BeforeRegion& operator=(const BeforeRegion&) = delete;

  int64_t num_seen() const { return num_seen_; }
  bool ended() const { return ended_; }

  void BeforeAllocate(AllocationKind kind, int64_t /*bytes*/) override {
    ended_ = ended_ || kind == AllocationKind::kCharge;
    num_seen_ += ended_ ? 0 : 1;
  }

 private:
  int64_t num_seen_ = 0;
  bool ended_ = false;
};

class OomInjectionTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    LoaderOptions options;
    options.sources = {"synthetic:" + std::to_string(kSteps * kEffectiveBatch)};
    options.height = options.width = kSize;
    options.num_frames = kFrames;
    options.num_classes = kClasses;
    options.seed = 3;
    options.batch_size = kEffectiveBatch;
    loader_ = Loader::Open(options).value();
    const AllocationFault counter(AllocationFault::kNever);
    for (int i = 0; i < kSteps; ++i) batches_.push_back(loader_->Next().value());
    EXPECT_EQ(counter.num_seen(), 0) << "what fails here is not done again";
  }

  Training MakeTraining() const { return {GetParam(), clips_}; }

  // The state after all steps. From step `from` on the plan is `later`.
  std::vector<NamedTensor> Reference(const Plan& first, const Plan& later, int from) const {
    Training training = MakeTraining();
    training.Use(first);
    for (int i = 0; i < kSteps; ++i) {
      if (i == from) training.Use(later);
      EXPECT_TRUE(training.Step(batches_[i], i));
    }
    return training.State();
  }

  // Allocations of the retried region of step 1. Faults are counted from the call of a step, so
  // they reach each of these only if no step allocates before its region.
  int64_t CountAllocations(const Plan& plan) const {
    {
      Training training = MakeTraining();
      training.Use(plan);
      for (int i = 0; i < kSteps; ++i) {
        const BeforeRegion before;
        training.Step(batches_[i], i);
        EXPECT_TRUE(before.ended());
        EXPECT_EQ(before.num_seen(), 0) << "in step " << i;
      }
    }
    Training training = MakeTraining();
    training.Use(plan);
    training.Step(batches_[0], 0);
    const AllocationFault counter(AllocationFault::kNever, AllocationFault::Where::kWhileCharged);
    training.Step(batches_[1], 1);
    return counter.num_seen();
  }

  // Runs all steps, with allocation `nth` of step `at` failing.
  void ExpectRecovery(const Plan& plan, const Plan& next, int at, int64_t nth,
                      const std::vector<NamedTensor>& expected) const {
    SCOPED_TRACE("allocation " + std::to_string(nth) + " of step " + std::to_string(at));
    Training training = MakeTraining();
    training.Use(plan);
    for (int i = 0; i < kSteps; ++i) {
      const AllocationFault fault(i == at ? nth : AllocationFault::kNever);
      ASSERT_TRUE(training.Step(batches_[i], i));
      ASSERT_EQ(fault.thrown(), i == at);
    }
    EXPECT_EQ(training.plan(), next);
    EXPECT_EQ(Differences(training.State(), expected), "");
  }

  void ExpectRecoveryEverywhere(const std::string& schedule) const;
  void ExpectForwardEverywhere(const std::string& schedule);

  bool clips_ = true;  // clipping forbids a release
  std::unique_ptr<Loader> loader_;
  std::vector<Batch> batches_;
};

void OomInjectionTest::ExpectRecoveryEverywhere(const std::string& schedule) const {
  const Plan plan = MakeTraining().PlanOf(schedule);
  const Plan next = Tighten(plan, {.norm_group = 1}).value();
  const int64_t count = CountAllocations(plan);
  ASSERT_GT(count, 100);
  int64_t tried = 0;
  for (int at = 0; at < kSteps; ++at) {
    const std::vector<NamedTensor> expected = Reference(plan, next, at);
    if (next.micro_batch == plan.micro_batch) {
      ASSERT_EQ(Differences(expected, Reference(plan, plan, at)), "") << "the retry is exact";
    }
    for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
      if (!IsTried(nth, count)) continue;
      ExpectRecovery(plan, next, at, nth, expected);
      ++tried;
    }
  }
  std::cout << GetParam() << ", " << schedule << ": " << count << " allocations a step, " << tried
            << " failures tried in " << kSteps << " steps\n";
}

TEST_P(OomInjectionTest, FailureUnderKeepIsDoneAgainCheckpointedWithTheSameBits) {
  ExpectRecoveryEverywhere("keep");
}

TEST_P(OomInjectionTest, FailureUnderCheckpointIsDoneAgainAsIfSplitFromTheStart) {
  ExpectRecoveryEverywhere("checkpoint");
}

// Before the first update the step is undone, and the next plan may split it. After it, the step
// goes on to the bits of its own split.
void OomInjectionTest::ExpectForwardEverywhere(const std::string& schedule) {
  clips_ = false;
  const Plan plan = MakeTraining().ReleasingPlan(schedule);
  Plan at_the_end = plan;
  at_the_end.release = false;
  const Plan next = Tighten(plan, {.norm_group = 1}).value();
  const int64_t count = CountAllocations(plan);
  const std::vector<NamedTensor> undisturbed = Reference(at_the_end, at_the_end, 0);
  int64_t num_split = 0;
  int64_t tried = 0;
  for (int at = 0; at < kSteps; ++at) {
    const std::vector<NamedTensor> split = Reference(plan, next, at);
    for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
      if (!IsTried(nth, count)) continue;
      SCOPED_TRACE("allocation " + std::to_string(nth) + " of step " + std::to_string(at));
      Training training = MakeTraining();
      training.Use(plan);
      for (int i = 0; i < kSteps; ++i) {
        const AllocationFault fault(i == at ? nth : AllocationFault::kNever);
        ASSERT_TRUE(training.Step(batches_[i], i));
        ASSERT_EQ(fault.thrown(), i == at);
      }
      const bool is_split = training.plan().micro_batch != plan.micro_batch;
      EXPECT_TRUE(training.plan() == next || training.plan() == plan);
      EXPECT_EQ(Differences(training.State(), is_split ? split : undisturbed), "");
      num_split += is_split ? 1 : 0;
      ++tried;
    }
  }
  EXPECT_GE(num_split, next.micro_batch == plan.micro_batch ? 0 : 10);
  EXPECT_LT(num_split, tried - 10) << "these went forward";
  std::cout << GetParam() << ", " << schedule << " with release: " << count
            << " allocations a step, " << tried << " failures tried in " << kSteps << " steps\n";
}

TEST_P(OomInjectionTest, FailureInAReleasingStepUnderKeepGivesTheSameBits) {
  ExpectForwardEverywhere("keep");
}

TEST_P(OomInjectionTest, FailureInAReleasingStepUnderCheckpointGivesTheBitsOfItsSplit) {
  ExpectForwardEverywhere("checkpoint");
}

TEST_P(OomInjectionTest, WhereNothingIsLeftToTryTheStepHasNeverBeen) {
  Training training = MakeTraining();
  const Plan plan = training.PlanOf("keep");
  training.ForbidRetries();
  training.Use(plan);
  ASSERT_TRUE(training.Step(batches_[0], 0));
  const std::vector<NamedTensor> before = training.State();
  const int64_t count = CountAllocations(plan);
  for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth, count)) continue;
    const AllocationFault fault(nth);
    EXPECT_FALSE(training.Step(batches_[1], 1)) << nth;
    EXPECT_EQ(Differences(training.State(), before), "") << nth;
  }
  ASSERT_TRUE(training.Step(batches_[1], 1));
  EXPECT_EQ(Differences(training.State(), Reference(plan, plan, 0)), "");
}

INSTANTIATE_TEST_SUITE_P(Models, OomInjectionTest, testing::Values("video_vit_nano", "r3d_nano"));

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) { return slimreel::RunInjectionTests(argc, argv, /*every=*/37); }
