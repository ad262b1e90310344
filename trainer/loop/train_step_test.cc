// What one step promises, whatever plan it runs under.
#include "trainer/loop/train_step.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "configs/memory_options.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/loop/tiny_learner.h"

namespace slimreel {
namespace {

constexpr double kRate = 0.1;

// Two families: a transformer with layer norms, and convolutions with BatchNorm, whose running
// statistics are buffers.
constexpr char kTransformer[] = "video_vit_nano";
constexpr char kConvolutions[] = "r3d_nano";

TrainStepOptions StepOptions() {
  TrainStepOptions options;
  options.seed = kTinySeed;
  options.norm_group = options.limits.norm_group = 1;
  return options;
}

Plan ReleasePlan(Plan plan, bool release) {
  plan.release = release;
  return plan;
}

// A learner and its step under a plan.
class Subject {
 public:
  explicit Subject(const std::string& model, int64_t micro_batch, at::ScalarType dtype = at::kFloat,
                   const TrainStepOptions& options = StepOptions(), bool release = false)
      : learner_(model, dtype),
        step_(*learner_.model, &learner_.executor, &learner_.optimizer, options,
              ReleasePlan(learner_.PlanOf("keep", micro_batch), release)) {}

  // Out of memory at allocation `fails_at` of forward and backward, counted from 0; kNever: at
  // none.
  absl::StatusOr<StepOutcome> Run(const Batch& batch, int64_t fails_at = AllocationFault::kNever) {
    const AllocationFault fault(fails_at, AllocationFault::Where::kWhileCharged);
    auto outcome = step_.Run(batch, number_, kRate);
    if (outcome.ok()) ++number_;
    num_allocations_ = fault.num_seen();
    EXPECT_EQ(fault.thrown(), fails_at != AllocationFault::kNever);
    return outcome;
  }
  StepOutcome RunOk(const Batch& batch, int64_t fails_at = AllocationFault::kNever) {
    auto outcome = Run(batch, fails_at);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *std::move(outcome) : StepOutcome();
  }

  int64_t num_allocations() const { return num_allocations_; }  // of the last Run
  const Plan& plan() const { return step_.plan(); }
  TrainStep& step() { return step_; }
  const TinyLearner& learner() const { return learner_; }

  // Copies of the weights, the buffers and the optimizer's state.
  std::vector<NamedTensor> State() const {
    std::vector<NamedTensor> copies;
    for (const auto& list :
         {Parameters(*learner_.model), Buffers(*learner_.model), learner_.optimizer.State()}) {
      for (const NamedTensor& named : list) {
        copies.push_back({named.name, named.tensor.detach().clone()});
      }
    }
    return copies;
  }
  std::vector<NamedTensor> Weights() const {
    std::vector<NamedTensor> copies;
    for (const NamedTensor& named : Parameters(*learner_.model)) {
      copies.push_back({named.name, named.tensor.detach().clone()});
    }
    return copies;
  }
  bool HasGradients() const {
    const std::vector<NamedTensor> parameters = Parameters(*learner_.model);
    return std::any_of(parameters.begin(), parameters.end(),
                       [](const NamedTensor& named) { return named.tensor.grad().defined(); });
  }

 private:
  TinyLearner learner_;
  TrainStep step_;
  int64_t number_ = 0;
  int64_t num_allocations_ = 0;
};

// Names of the tensors that differ in a bit, joined.
std::string Differences(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  if (a.size() != b.size()) return "the number of tensors";
  std::string names;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i].tensor, b[i].tensor)) names += a[i].name + " ";
  }
  return names;
}

// L2 norm of the difference of all tensors together.
double Distance(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  double squares = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    const at::Tensor difference = at::sub(a[i].tensor, b[i].tensor).to(at::kDouble);
    squares += std::pow(at::linalg_vector_norm(difference).item<double>(), 2);
  }
  return std::sqrt(squares);
}

double LossOf(const StepOutcome& outcome) { return outcome.loss.item<double>(); }

Batch FirstBatch(int64_t batch_size) {
  return OpenTinyLoader(/*samples=*/2 * batch_size, batch_size)->Next().value();
}

class TrainStepTest : public ::testing::TestWithParam<std::string> {};

// 5 samples: cut into 2, 2 and a short 1, and one by one.
TEST_P(TrainStepTest, MicroBatchesGiveTheWeightsOfTheWholeBatch) {
  const Batch batch = FirstBatch(5);
  Subject whole(GetParam(), /*micro_batch=*/5, at::kDouble);
  const std::vector<NamedTensor> initial = whole.Weights();
  const StepOutcome expected = whole.RunOk(batch);
  EXPECT_EQ(expected.samples, 5);
  EXPECT_GT(Distance(whole.Weights(), initial), 1e-3) << "the step must move the weights";
  for (int64_t micro_batch : {2, 1}) {
    Subject split(GetParam(), micro_batch, at::kDouble);
    const StepOutcome outcome = split.RunOk(batch);
    EXPECT_NEAR(LossOf(outcome), LossOf(expected), 1e-10) << micro_batch;
    EXPECT_LT(Distance(split.Weights(), whole.Weights()), 1e-10) << micro_batch;
    EXPECT_EQ(outcome.oom_retries, 0);
  }
}

// Each sample's loss from a forward pass of its own.
TEST_P(TrainStepTest, TheLossIsTheMeanOverTheLabelledSamplesOfTheWholeBatch) {
  Batch batch = FirstBatch(5);
  batch.labels = batch.labels.clone();
  batch.labels.narrow(0, 3, 1).fill_(-1);
  Subject subject(GetParam(), /*micro_batch=*/2, at::kDouble);
  double sum = 0.0;
  for (int64_t i : {0, 1, 2, 4}) {
    const Tensors targets = {batch.labels.narrow(0, i, 1)};
    StageContext context;
    context.seed = kTinySeed;
    context.training = true;
    context.norm_group = 1;
    context.first_position = i;
    context.targets = &targets;
    const Tensors loss = Executor::Forward(subject.learner().model->ChainWithLoss(), context,
                                           {batch.clips.narrow(0, i, 1)});
    sum += loss[0].item<double>();
  }
  EXPECT_NEAR(LossOf(subject.RunOk(batch)), sum / 4, 1e-10);
}

// The plan `keep` becomes `checkpoint` at the same split, which changes no bit.
TEST_P(TrainStepTest, OutOfMemoryInForwardOrBackwardTightensThePlanAndGivesTheSameBits) {
  const Batch batch = FirstBatch(4);
  Subject undisturbed(GetParam(), /*micro_batch=*/2);
  const StepOutcome expected = undisturbed.RunOk(batch);
  const int64_t count = undisturbed.num_allocations();
  ASSERT_GT(count, 100);
  // In the forward of the first micro-batch, about its end, and in the backward of the last one.
  for (int64_t fails_at : {int64_t{5}, count / 2, count - 5}) {
    Subject retried(GetParam(), /*micro_batch=*/2);
    const StepOutcome outcome = retried.RunOk(batch, fails_at);
    EXPECT_EQ(outcome.oom_retries, 1);
    EXPECT_EQ(retried.plan(), retried.learner().PlanOf("checkpoint", 2));
    EXPECT_EQ(LossOf(outcome), LossOf(expected)) << fails_at;
    EXPECT_EQ(Differences(retried.State(), undisturbed.State()), "") << fails_at;
  }
}

TEST_P(TrainStepTest, ATightenedPlanStaysAndRetriesAreCountedPerStep) {
  const Batch batch = FirstBatch(4);
  Subject subject(GetParam(), /*micro_batch=*/4);
  EXPECT_EQ(subject.RunOk(batch, /*fails_at=*/5).oom_retries, 1);
  EXPECT_EQ(subject.plan(), subject.learner().PlanOf("checkpoint", 4));
  EXPECT_EQ(subject.RunOk(batch).oom_retries, 0);
  EXPECT_EQ(subject.RunOk(batch, /*fails_at=*/5).oom_retries, 1);
  EXPECT_EQ(subject.plan(), subject.learner().PlanOf("checkpoint", 2));
}

TEST_P(TrainStepTest, ThePlannersPlansAreTriedBeforeTheLadder) {
  const Batch batch = FirstBatch(4);
  Subject subject(GetParam(), /*micro_batch=*/4);
  const auto plan_of = [&](const char* schedule, int64_t micro_batch) {
    return subject.learner().PlanOf(schedule, micro_batch);
  };
  constexpr int64_t kTooMuch = int64_t{1} << 40;  // more than was refused
  subject.step().set_plan(
      plan_of("keep", 4),
      {{plan_of("every:3", 4), kTooMuch}, {plan_of("every:2", 4), 200}, {plan_of("keep", 2), 100}});
  for (const Plan& next : {plan_of("every:2", 4), plan_of("keep", 2), plan_of("checkpoint", 2),
                           plan_of("checkpoint", 1)}) {
    EXPECT_EQ(subject.RunOk(batch, /*fails_at=*/5).oom_retries, 1);
    EXPECT_EQ(subject.plan(), next);
  }
}

TEST_P(TrainStepTest, NothingFitsNamesThePlansAndLeavesEverythingAsBefore) {
  const Batch batch = FirstBatch(4);
  Subject subject(GetParam(), /*micro_batch=*/4);
  subject.RunOk(batch);  // momentum and running statistics have moved
  const std::vector<NamedTensor> before = subject.State();
  SetCpuBudget(ReadCpuMemory().live_bytes + 1000);  // less than the batch itself
  const absl::Status status = subject.Run(batch).status();
  SetCpuBudget(0);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  for (const char* plan :
       {"micro-batch 4, schedule keep", "micro-batch 4, schedule checkpoint",
        "micro-batch 2, schedule checkpoint", "micro-batch 1, schedule checkpoint"}) {
    EXPECT_NE(status.message().find(plan), absl::string_view::npos) << status;
  }
  EXPECT_EQ(Differences(subject.State(), before), "");
  EXPECT_FALSE(subject.HasGradients());
}

TEST_P(TrainStepTest, AForbiddenRetryLeavesEverythingAsBefore) {
  const Batch batch = FirstBatch(4);
  TrainStepOptions options = StepOptions();
  options.on_oom = OnOom::kFail;
  Subject subject(GetParam(), /*micro_batch=*/2, at::kFloat, options);
  subject.RunOk(batch);
  const int64_t count = subject.num_allocations();
  const std::vector<NamedTensor> before = subject.State();
  for (int64_t fails_at : {int64_t{5}, count / 2}) {
    const absl::Status status = subject.Run(batch, fails_at).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
    EXPECT_NE(status.message().find("memory.on_oom=fail"), absl::string_view::npos) << status;
    EXPECT_EQ(Differences(subject.State(), before), "") << fails_at;
    EXPECT_FALSE(subject.HasGradients()) << fails_at;
    EXPECT_EQ(subject.plan(), subject.learner().PlanOf("keep", 2));
  }
}

// The first update of SGD is -rate * gradient, so its length is rate * norm.
TEST_P(TrainStepTest, ClippingBoundsTheGradientAndTheReportedNormIsUnclipped) {
  const Batch batch = FirstBatch(4);
  Subject free(GetParam(), /*micro_batch=*/2, at::kDouble);
  const std::vector<NamedTensor> initial = free.Weights();
  const double norm = free.RunOk(batch).grad_norm.item<double>();
  EXPECT_NEAR(Distance(free.Weights(), initial), kRate * norm, 1e-9 * norm);
  TrainStepOptions options = StepOptions();
  options.clip_grad_norm = norm / 4;
  Subject clipped(GetParam(), /*micro_batch=*/2, at::kDouble, options);
  EXPECT_EQ(clipped.RunOk(batch).grad_norm.item<double>(), norm);
  // Clipping divides by norm + 1e-6.
  const double bounded = kRate * (norm / 4) * norm / (norm + 1e-6);
  EXPECT_NEAR(Distance(clipped.Weights(), initial), bounded, 1e-9 * norm);
  options.clip_grad_norm = 2 * norm;
  Subject loose(GetParam(), /*micro_batch=*/2, at::kDouble, options);
  loose.RunOk(batch);
  EXPECT_EQ(Differences(loose.State(), free.State()), "");
}

TEST_P(TrainStepTest, ReleaseGivesTheBitsOfAnUpdateAtTheEnd) {
  Subject at_the_end(GetParam(), /*micro_batch=*/4);
  Subject released(GetParam(), /*micro_batch=*/4, at::kFloat, StepOptions(), /*release=*/true);
  for (int64_t samples : {4, 3}) {
    const Batch batch = FirstBatch(samples);
    const StepOutcome expected = at_the_end.RunOk(batch);
    const StepOutcome outcome = released.RunOk(batch);
    EXPECT_EQ(LossOf(outcome), LossOf(expected));
    EXPECT_EQ(outcome.grad_norm.item<double>(), expected.grad_norm.item<double>());
    EXPECT_EQ(Differences(released.State(), at_the_end.State()), "");
    EXPECT_FALSE(released.HasGradients());
  }
  EXPECT_TRUE(released.plan().release);
}

// The last batch is short: 3 samples, cut into 2 and 1.
TEST_P(TrainStepTest, ABatchThatIsCutAnewInTheMiddleGivesTheBitsOfThatCut) {
  const std::vector<Batch> batches = {FirstBatch(4), FirstBatch(4), FirstBatch(3)};
  const auto checkpointed = [](const Subject& subject, int64_t micro_batch) {
    return subject.learner().PlanOf("checkpoint", micro_batch);
  };
  Subject by_hand(GetParam(), /*micro_batch=*/4);
  by_hand.step().set_plan(checkpointed(by_hand, 4));
  by_hand.RunOk(batches[0]);
  const int64_t count = by_hand.num_allocations();
  by_hand.step().set_plan(checkpointed(by_hand, 2));
  for (int n : {1, 2}) by_hand.RunOk(batches[n]);
  for (int64_t fails_at : {int64_t{0}, count / 2}) {
    Subject retried(GetParam(), /*micro_batch=*/4);
    retried.step().set_plan(checkpointed(retried, 4));
    retried.RunOk(batches[0]);
    EXPECT_EQ(retried.RunOk(batches[1], fails_at).oom_retries, 1);
    EXPECT_EQ(retried.plan(), checkpointed(retried, 2));
    retried.RunOk(batches[2]);
    EXPECT_EQ(Differences(retried.State(), by_hand.State()), "") << fails_at;
  }
}

// Two micro-batches: from the second one on all gradients live.
TEST_P(TrainStepTest, ABatchThatIsSplitIsNotReleasedAndKeepsItsBits) {
  const Batch batch = FirstBatch(4);
  Subject at_the_end(GetParam(), /*micro_batch=*/2);
  Subject released(GetParam(), /*micro_batch=*/2, at::kFloat, StepOptions(), /*release=*/true);
  at_the_end.RunOk(batch);
  released.RunOk(batch);
  EXPECT_EQ(Differences(released.State(), at_the_end.State()), "");
}

TEST_P(TrainStepTest, OutOfMemoryAfterTheFirstUpdateGoesForwardToTheSameBits) {
  const Batch batch = FirstBatch(4);
  Subject undisturbed(GetParam(), /*micro_batch=*/4, at::kFloat, StepOptions(), /*release=*/true);
  const StepOutcome expected = undisturbed.RunOk(batch);
  const int64_t fails_at = undisturbed.num_allocations() - 20;
  Subject retried(GetParam(), /*micro_batch=*/4, at::kFloat, StepOptions(), /*release=*/true);
  const StepOutcome outcome = retried.RunOk(batch, fails_at);
  EXPECT_EQ(outcome.oom_retries, 1);
  EXPECT_EQ(retried.plan(), ReleasePlan(retried.learner().PlanOf("checkpoint", 4), true));
  EXPECT_EQ(LossOf(outcome), LossOf(expected));
  EXPECT_EQ(outcome.grad_norm.item<double>(), expected.grad_norm.item<double>());
  EXPECT_EQ(Differences(retried.State(), undisturbed.State()), "");
}

// Takes all memory away after the first update.
class StarveAfterUpdate : public ExecutorHooks {
 public:
  void AfterUpdate() override { SetCpuBudget(ReadCpuMemory().live_bytes); }
};

TEST_P(TrainStepTest, WhatNoLongerFitsAfterTheFirstUpdateIsHalfDone) {
  Subject subject(GetParam(), /*micro_batch=*/4, at::kFloat, StepOptions(), /*release=*/true);
  StarveAfterUpdate hooks;
  subject.step().set_hooks(&hooks);
  const absl::Status status = subject.Run(FirstBatch(4)).status();
  SetCpuBudget(0);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  EXPECT_NE(status.message().find("after some weights were updated"), absl::string_view::npos);
  EXPECT_TRUE(subject.step().is_half_done());
  EXPECT_FALSE(subject.HasGradients());
}

TEST_P(TrainStepTest, ReleaseIsOffWhereItWouldChangeTheResultOrAPromise) {
  TrainStepOptions clipped = StepOptions();
  clipped.clip_grad_norm = 1.0;
  EXPECT_NE(WhyNotReleased(clipped, false).find("train.clip_grad_norm"), std::string::npos);
  Subject subject(GetParam(), /*micro_batch=*/4, at::kFloat, clipped, /*release=*/true);
  EXPECT_FALSE(subject.plan().release);
  TrainStepOptions failing = StepOptions();
  failing.on_oom = OnOom::kFail;
  EXPECT_NE(WhyNotReleased(failing, false).find("memory.on_oom"), std::string::npos);
  EXPECT_NE(WhyNotReleased(StepOptions(), true).find("trainer.precision=16"), std::string::npos);
  EXPECT_EQ(WhyNotReleased(StepOptions(), false), "");
}

INSTANTIATE_TEST_SUITE_P(Models, TrainStepTest, ::testing::Values(kTransformer, kConvolutions),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace slimreel
