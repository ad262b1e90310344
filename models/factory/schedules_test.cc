// A model of each family gives the same bits under every schedule of the executor.
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "models/factory/factory.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

constexpr int64_t kBatch = 5;  // in groups of two; the last group is short

struct Subject {
  const char* name;
  std::function<void(ModelSpec*)> change = [](ModelSpec*) {};
};

// Loss, then every gradient, then every buffer, after one step.
struct Result {
  at::Tensor loss;
  std::vector<NamedTensor> tensors;
};

using Autocast = std::optional<at::ScalarType>;

// Parameters that got a gradient in the backward of a stage that does not list them.
class UnlistedUse : public ExecutorHooks {
 public:
  UnlistedUse(const Executor& executor, const Model& model)
      : stages_(executor.ScheduledStages()), parameters_(Parameters(model)) {}
  void AfterOp(const Op& op) override {
    if (op.kind != OpKind::kBackward) return;
    const Stage& stage = *stages_[op.stage];
    for (const NamedTensor& named : parameters_) {
      if (!named.tensor.grad().defined()) continue;
      const auto& listed = stage.parameters();
      if (std::none_of(listed.begin(), listed.end(), [&](const NamedTensor& other) {
            return other.tensor.is_same(named.tensor);
          })) {
        names_ += stage.name() + " uses " + named.name + "; ";
      }
      ++num_used_;
      named.tensor.mutable_grad().reset();
    }
  }
  const std::string& names() const { return names_; }
  int num_used() const { return num_used_; }

 private:
  const std::vector<Stage*> stages_;
  const std::vector<NamedTensor> parameters_;
  std::string names_;
  int num_used_ = 0;
};

Result RunUnder(const Subject& subject, const std::function<StageMode(int)>& mode_of,
                Autocast autocast, bool checks_use = false) {
  ModelSpec spec;
  spec.name = subject.name;
  spec.num_classes = 4;
  spec.num_frames = 4;
  spec.height = spec.width = 32;
  spec.heatmap_size = 8;
  spec.dropout = 0.3;
  subject.change(&spec);
  const auto model = BuildModel(spec).value();
  RandomiseByFormula(model->stages);
  Tensors inputs;
  at::Tensor labels = at::tensor({0, 3, 1, -1, 2}, at::kLong);
  for (const InputSlot& slot : model->inputs) {
    std::vector<int64_t> sizes{kBatch};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    if (slot.kind == InputKind::kTokens) {
      inputs.push_back(FormulaTensor("tokens", sizes).abs().mul(100).to(at::kLong));
      labels = FormulaTensor("labels", sizes).abs().mul(100).to(at::kLong);
      continue;
    }
    // Pixels as floats; coordinates and scores within 0..8.
    at::Tensor input = FormulaTensor("input", sizes).to(at::kFloat);
    inputs.push_back(slot.kind == InputKind::kKeypoints ? input.add(1).mul(4) : input);
  }
  const Tensors targets{labels};
  StageContext context;
  context.seed = 11;
  context.step = 3;
  context.training = true;
  context.norm_group = 2;
  context.targets = &targets;
  context.autocast = autocast;
  Executor executor(model->ChainWithLoss());
  std::vector<StageMode> modes;
  for (int i = 0; i + 1 < executor.num_scheduled_stages(); ++i) modes.push_back(mode_of(i));
  Result result;
  UnlistedUse unlisted(executor, *model);
  result.loss =
      executor.Run(MakeSchedule(modes), context, inputs, checks_use ? &unlisted : nullptr)[0];
  if (checks_use) {
    EXPECT_EQ(unlisted.names(), "");
    EXPECT_GE(unlisted.num_used(), static_cast<int>(Parameters(*model).size()));
  }
  for (const NamedTensor& named : Parameters(*model)) {
    result.tensors.push_back({named.name, named.tensor.grad()});
  }
  CommitLogs(StepLogs(model->ChainWithLoss()));
  for (const NamedTensor& named : Buffers(*model)) result.tensors.push_back(named);
  return result;
}

class SchedulesTest : public testing::TestWithParam<Subject> {};

void ExpectSameBitsUnderEverySchedule(const Subject& subject, Autocast autocast) {
  const Result keep = RunUnder(
      subject, [](int) { return StageMode::kKeep; }, autocast);
  const std::vector<std::function<StageMode(int)>> schedules = {
      [](int) { return StageMode::kLean; },
      [](int) { return StageMode::kCheckpoint; },
      [](int i) { return static_cast<StageMode>(i % 3); },
  };
  for (size_t s = 0; s < schedules.size(); ++s) {
    SCOPED_TRACE(s);
    const Result other = RunUnder(subject, schedules[s], autocast);
    EXPECT_TRUE(at::equal(other.loss, keep.loss));
    ASSERT_EQ(other.tensors.size(), keep.tensors.size());
    for (size_t i = 0; i < keep.tensors.size(); ++i) {
      ASSERT_TRUE(keep.tensors[i].tensor.defined()) << keep.tensors[i].name;
      EXPECT_TRUE(at::equal(other.tensors[i].tensor, keep.tensors[i].tensor))
          << keep.tensors[i].name;
    }
  }
}

TEST_P(SchedulesTest, EveryScheduleGivesTheBitsOfKeep) {
  ExpectSameBitsUnderEverySchedule(GetParam(), std::nullopt);
}

TEST_P(SchedulesTest, EveryScheduleGivesTheBitsOfKeepInBfloat16) {
  ExpectSameBitsUnderEverySchedule(GetParam(), at::kBFloat16);
}

// A release updates a parameter after the backward of the lowest stage that lists it. A stage that
// used it without listing it would then run on updated weights, or lose its gradient.
TEST_P(SchedulesTest, EveryStageListsTheParametersThatItUses) {
  RunUnder(
      GetParam(), [](int) { return StageMode::kCheckpoint; }, std::nullopt, /*checks_use=*/true);
}

INSTANTIATE_TEST_SUITE_P(Families, SchedulesTest,
                         testing::Values(Subject{"r3d_nano"},
                                         Subject{"resnet18",
                                                 [](ModelSpec* spec) {
                                                   spec->temporal_pooling = TemporalPooling::kLstm;
                                                 }},
                                         Subject{"posec3d_nano"},
                                         Subject{"rgbposeconv3d_nano",
                                                 [](ModelSpec* spec) {
                                                   spec->fusion = StreamFusion::kCrossAttention;
                                                   spec->drop_path = 0.5;
                                                 }},
                                         Subject{"video_vit_nano",
                                                 [](ModelSpec* spec) { spec->drop_path = 0.5; }},
                                         Subject{"whisper_nano",
                                                 [](ModelSpec* spec) {
                                                   spec->audio_frames = 20;
                                                   spec->text_tokens = 8;
                                                 }}),
                         [](const auto& subject) { return std::string(subject.param.name); });

}  // namespace
}  // namespace slimreel
