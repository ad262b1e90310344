// A step in parts, stage by stage in the middle of backward, gives the bits of one step over all.
// So does a step whose state comes to the device page by page.
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "memory/paging/host_pool.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/optim/optimizer.h"

namespace slimreel {
namespace {

constexpr int kStages = 4;
constexpr double kRate = 0.01;

// Sizes that are no multiple of a vector register's width, one tensor with permuted strides, and
// one that may be cut, also for 16 threads.
at::Tensor Leaf(int number) {
  if (number == 4) {
    return at::arange(64 * 16 * 3, at::kFloat).mul(0.7).sin().detach().set_requires_grad(true);
  }
  at::Tensor values = at::arange(60 + 7 * number, at::kFloat).mul(1.3 + number).sin();
  if (number == 2) values = at::arange(60, at::kFloat).sin().view({3, 4, 5}).permute({2, 0, 1});
  return values.detach().set_requires_grad(true);
}

at::Tensor GradientOf(const at::Tensor& parameter, int step) {
  return parameter.detach().mul(7.1 + step).sin().mul(0.5 + step);
}

struct Case {
  std::string name;
  TrainOptions options;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

// Eight parameters in three groups of other decay and rate. The groups cut across the stages.
struct Subject {
  explicit Subject(const TrainOptions& options, const StatePaging& paging = {})
      : optimizer(options, MakeGroups(), std::nullopt, paging) {}

  std::vector<ParamGroup> MakeGroups() {
    std::vector<ParamGroup> groups = {{.parameters = {}, .weight_decay = 0.05, .lr_scale = 1.0},
                                      {.parameters = {}, .weight_decay = 0.0, .lr_scale = 1.0},
                                      {.parameters = {}, .weight_decay = 0.05, .lr_scale = 0.65}};
    for (int i = 0; i < 2 * kStages; ++i) {
      parameters.push_back({"p" + std::to_string(i), Leaf(i)});
      groups[i % 3].parameters.push_back(parameters.back());
    }
    return groups;
  }
  // Parameter 5 belongs to stage 0: a tied one that waits for its lowest stage.
  std::vector<Tensors> Stages() const {
    std::vector<Tensors> stages(kStages);
    for (int i = 0; i < 2 * kStages; ++i) {
      stages[i == 5 ? 0 : i / 2].push_back(parameters[i].tensor);
    }
    return stages;
  }
  // Parameter 3 has a gradient in every second step only.
  void SetGradients(int step) {
    for (int i = 0; i < 2 * kStages; ++i) {
      if (i == 3 && step % 2 == 1) continue;
      parameters[i].tensor.mutable_grad() = GradientOf(parameters[i].tensor, step);
    }
  }
  void ExpectEqual(const Subject& other) const {
    for (size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_TRUE(at::equal(parameters[i].tensor, other.parameters[i].tensor)) << "p" << i;
    }
    for (size_t i = 0; i < optimizer.State().size(); ++i) {
      EXPECT_TRUE(at::equal(optimizer.State()[i].tensor, other.optimizer.State()[i].tensor))
          << optimizer.State()[i].name;
    }
  }

  std::vector<NamedTensor> parameters;
  Optimizer optimizer;
};

class StepInPartsTest : public testing::TestWithParam<Case> {};

TEST_P(StepInPartsTest, GivesTheBitsAndTheNormOfOneStepOverAll) {
  Subject whole(GetParam().options);
  Subject parts(GetParam().options);
  parts.optimizer.SetReleaseGroups(parts.Stages());
  for (int step = 0; step < 4; ++step) {
    whole.SetGradients(step);
    const at::Tensor norm = whole.optimizer.GlobalNormClip(std::nullopt);
    whole.optimizer.Step(kRate / (1 + step));
    whole.optimizer.ZeroGrad();

    parts.SetGradients(step);
    parts.optimizer.BeginStep(kRate / (1 + step));
    for (int stage = kStages - 1; stage >= 0; --stage) {
      parts.optimizer.StepStage(stage);
      EXPECT_FALSE(parts.Stages()[stage][0].grad().defined()) << "a stepped gradient is freed";
      EXPECT_EQ(parts.parameters[0].tensor.grad().defined(), stage > 0);
    }
    EXPECT_TRUE(at::equal(parts.optimizer.EndStep(), norm));
    parts.optimizer.ZeroGrad();
    parts.ExpectEqual(whole);
  }
}

// SetReleaseGroups changes neither Step nor the norm.
TEST_P(StepInPartsTest, OneStepOverAllKeepsItsBitsWhenPartsAreKnown) {
  Subject whole(GetParam().options);
  Subject grouped(GetParam().options);
  grouped.optimizer.SetReleaseGroups(grouped.Stages());
  for (int step = 0; step < 3; ++step) {
    at::Tensor norms[2];
    for (Subject* subject : {&whole, &grouped}) {
      subject->SetGradients(step);
      norms[subject == &grouped] = subject->optimizer.GlobalNormClip(1.0);
      subject->optimizer.Step(kRate);
      subject->optimizer.ZeroGrad();
    }
    EXPECT_TRUE(at::equal(norms[0], norms[1]));
    grouped.ExpectEqual(whole);
  }
}

// Pages of every size, from several per parameter to one for all.
TEST_P(StepInPartsTest, PagedStateGivesTheSameBits) {
  HostPool pool;
  for (int64_t page_bytes : {64, 2048, 9000, 1 << 20}) {
    SCOPED_TRACE(page_bytes);
    Subject beside(GetParam().options);
    Subject paged(GetParam().options, {.pool = &pool, .page_bytes = page_bytes});
    Subject paged_parts(GetParam().options, {.pool = &pool, .page_bytes = page_bytes});
    paged_parts.optimizer.SetReleaseGroups(paged_parts.Stages());
    for (int step = 0; step < 4; ++step) {
      for (Subject* subject : {&beside, &paged, &paged_parts}) subject->SetGradients(step);
      for (Subject* subject : {&beside, &paged}) {
        subject->optimizer.GlobalNormClip(1e9);
        subject->optimizer.Step(kRate);
        subject->optimizer.ZeroGrad();
      }
      paged_parts.optimizer.BeginStep(kRate);
      for (int stage = kStages - 1; stage >= 0; --stage) paged_parts.optimizer.StepStage(stage);
      paged_parts.optimizer.EndStep();
      paged.ExpectEqual(beside);
      paged_parts.ExpectEqual(beside);
    }
  }
}

// A checkpoint copies the state by name, whether it is paged or not.
TEST_P(StepInPartsTest, StateGoesFromOnePlaceToTheOther) {
  HostPool pool;
  Subject expected(GetParam().options);
  Subject from(GetParam().options, {.pool = &pool, .page_bytes = 2048});
  for (Subject* subject : {&expected, &from}) {
    subject->SetGradients(0);
    subject->optimizer.Step(kRate);
    subject->optimizer.ZeroGrad();
  }
  Subject to(GetParam().options);
  Subject back(GetParam().options, {.pool = &pool, .page_bytes = 9000});
  const Subject* source = &from;
  for (Subject* target : {&to, &back}) {
    const c10::AutoGradMode no_grad(false);
    for (size_t i = 0; i < source->parameters.size(); ++i) {
      target->parameters[i].tensor.copy_(source->parameters[i].tensor);
    }
    for (size_t i = 0; i < source->optimizer.State().size(); ++i) {
      EXPECT_EQ(target->optimizer.State()[i].name, source->optimizer.State()[i].name);
      at::Tensor(target->optimizer.State()[i].tensor).copy_(source->optimizer.State()[i].tensor);
    }
    source = target;
  }
  for (Subject* subject : {&expected, &back}) {
    subject->SetGradients(1);
    subject->optimizer.Step(kRate);
  }
  back.ExpectEqual(expected);
}

TEST(PagedStateTest, LiesOnTheHostButForTwoPages) {
  const int64_t before = ReadCpuMemory().live_bytes;
  int64_t beside = 0;
  {
    const Subject subject{TrainOptions()};
    beside = ReadCpuMemory().live_bytes - before;
  }
  HostPool pool;
  const Subject subject({}, {.pool = &pool, .page_bytes = 2048});
  const int64_t state = subject.optimizer.StateBytes() - 2 * kStages * 4;  // less the counters
  EXPECT_GE(pool.live_bytes(), state);
  EXPECT_LE(ReadCpuMemory().live_bytes - before, beside - state + 2 * 2048);
}

TEST(PagedStateTest, PlainGradientDescentHasNothingToPage) {
  HostPool pool;
  TrainOptions options;
  options.optimizer = OptimizerKind::kSgd;
  options.momentum = 0.0;
  const Subject subject(options, {.pool = &pool});
  EXPECT_FALSE(subject.optimizer.is_paged());
  EXPECT_EQ(pool.live_bytes(), 0);
}

// Every allocation fails once. Calling the same stage again must neither lose an update nor make
// one twice.
TEST_P(StepInPartsTest, AStageGoesOnWhereItRanOutOfMemory) {
  Subject whole(GetParam().options);
  whole.SetGradients(0);
  whole.optimizer.Step(kRate);
  HostPool pool;
  for (const StatePaging& paging :
       {StatePaging(), StatePaging{.pool = &pool, .page_bytes = 2048}}) {
    int64_t nth = 0;
    for (bool thrown = true; thrown; ++nth) {
      Subject parts(GetParam().options, paging);
      parts.optimizer.SetReleaseGroups(parts.Stages());
      parts.SetGradients(0);
      const AllocationFault fault(nth);
      parts.optimizer.BeginStep(kRate);
      for (int stage = kStages - 1; stage >= 0; --stage) {
        try {
          parts.optimizer.StepStage(stage);
        } catch (const c10::OutOfMemoryError&) {
          ++stage;  // again
        }
      }
      thrown = fault.thrown();
      parts.ExpectEqual(whole);
    }
    EXPECT_GE(nth, 8) << "at least the norms are allocated";
  }
}

TrainOptions Options(OptimizerKind kind, double momentum = 0.9) {
  TrainOptions options;
  options.optimizer = kind;
  options.momentum = momentum;
  return options;
}

// Bytes that the allocator of the device counts for the state: what lives beside all else.
int64_t LiveBytes() { return ReadCpuMemory().live_bytes; }

TEST_P(StepInPartsTest, TheStateMovesToTheHostAndBackBetweenSteps) {
  HostPool pool;
  const StatePaging paging{.pool = &pool, .page_bytes = 2048};
  Subject still(GetParam().options);
  Subject moving(GetParam().options, {.pool = nullptr, .page_bytes = 2048});
  for (int step = 0; step < 6; ++step) {
    const bool paged = step / 2 == 1;  // of the two in the middle
    const int64_t others = LiveBytes() - moving.optimizer.DeviceStateBytes();
    const int64_t predicted = moving.optimizer.DeviceStateBytes(paged, {});
    moving.optimizer.SetPaging(paged ? paging : StatePaging{.pool = nullptr, .page_bytes = 2048});
    EXPECT_EQ(moving.optimizer.DeviceStateBytes(), predicted) << step;
    EXPECT_EQ(LiveBytes() - others, predicted) << step;
    EXPECT_EQ(pool.live_bytes(),
              moving.optimizer.is_paged() ? moving.optimizer.HostStateBytes() : 0);
    for (Subject* subject : {&still, &moving}) {
      subject->SetGradients(step);
      subject->optimizer.Step(kRate / (1 + step));
      subject->optimizer.ZeroGrad();
    }
    moving.ExpectEqual(still);
  }
}

TEST_P(StepInPartsTest, TheSameReleaseGroupsAgainTakeNoMemory) {
  HostPool pool;
  Subject subject(GetParam().options, {.pool = &pool, .page_bytes = 2048});
  subject.optimizer.SetReleaseGroups(subject.Stages());
  const int64_t before = ReadCpuMemory().num_refusals;
  SetCpuBudget(1);  // nothing fits
  subject.optimizer.SetReleaseGroups(subject.Stages());
  SetCpuBudget(0);
  EXPECT_EQ(ReadCpuMemory().num_refusals, before);
}

TEST_P(StepInPartsTest, AHostThatIsTooSmallLeavesTheStateWhereItIs) {
  HostPool pool(/*budget_bytes=*/64);
  Subject subject(GetParam().options);
  if (subject.optimizer.HostStateBytes() == 0) GTEST_SKIP() << "there is no state to move";
  EXPECT_THROW(subject.optimizer.SetPaging({.pool = &pool}), c10::OutOfMemoryError);
  EXPECT_FALSE(subject.optimizer.is_paged());
  subject.SetGradients(0);
  subject.optimizer.Step(kRate);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StepInPartsTest,
                         testing::Values(Case{"AdamW", Options(OptimizerKind::kAdamW)},
                                         Case{"Adam", Options(OptimizerKind::kAdam)},
                                         Case{"Sgd", Options(OptimizerKind::kSgd)},
                                         Case{"SgdPlain", Options(OptimizerKind::kSgd, 0.0)}),
                         [](const auto& info) { return info.param.name; });

TEST(ReleaseGroupsOfTheOptimizerTest, EveryParameterIsInExactlyOneList) {
  Subject subject{TrainOptions()};
  std::vector<Tensors> stages = subject.Stages();
  stages[1].push_back(subject.parameters[0].tensor);  // stage 0 has it already
  EXPECT_THROW(subject.optimizer.SetReleaseGroups(stages), c10::Error);
  stages = subject.Stages();
  stages[2].pop_back();
  EXPECT_THROW(subject.optimizer.SetReleaseGroups(stages), c10::Error);
}

}  // namespace
}  // namespace slimreel
