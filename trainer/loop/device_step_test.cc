// Whole training steps on a device that is not the CPU, for each family: batch, micro-batches,
// clipping, update.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/stage/become.h"
#include "models/factory/nano_families.h"
#include "models/testing/stand_in_device.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

constexpr int64_t kSteps = 3;

Batch BatchOf(const Model& model) {
  NanoBatch made = MakeNanoBatch(model, at::kCPU);
  Batch batch;
  for (size_t i = 0; i < made.inputs.size(); ++i) {
    at::Tensor input = std::move(made.inputs[i]);
    if (model.inputs[i].kind == InputKind::kFrames) batch.clips = std::move(input);
    if (model.inputs[i].kind == InputKind::kKeypoints) batch.keypoints = std::move(input);
    if (model.inputs[i].kind == InputKind::kLogMel) batch.log_mel = std::move(input);
    if (model.inputs[i].kind == InputKind::kTokens) batch.tokens = std::move(input);
  }
  batch.labels = std::move(made.targets[0]);
  return batch;
}

struct Trained {
  std::vector<NamedTensor> tensors;  // what was reported, then the model; on the CPU
  std::vector<LinkTraffic> traffic;  // of each step
};

Trained TrainOn(at::Device device, const NanoModel& nano) {
  const auto model = BuildNano({nano.name, [&](ModelSpec* spec) {
                                  nano.change(spec);
                                  spec->dtype = at::kDouble;
                                }});
  for (const NamedTensor& named : ListedTensors(*model)) {
    Become(named.tensor, named.tensor.detach().to(device));
  }
  Executor executor(model->ChainWithLoss());
  Optimizer optimizer({}, MakeParamGroups(Parameters(*model), 0.01, false));
  TrainStepOptions options;
  options.device = device;
  options.norm_group = options.limits.norm_group = 1;
  options.clip_grad_norm = 1.0;
  const std::vector<StageMode> modes(executor.num_scheduled_stages() - 1, StageMode::kLean);
  TrainStep step(*model, &executor, &optimizer, options,
                 MakePlan(/*micro_batch=*/1, modes, executor.stage_names()));
  const Batch batch = BatchOf(*model);
  Trained trained;
  for (int64_t n = 0; n < kSteps; ++n) {
    TakeLinkTraffic();
    const StepOutcome outcome = step.Run(batch, n, 1e-3).value();
    trained.traffic.push_back(TakeLinkTraffic());
    trained.tensors.push_back({"loss", outcome.loss.cpu()});
    trained.tensors.push_back({"norm", outcome.grad_norm.cpu()});
  }
  for (const NamedTensor& named : ListedTensors(*model)) {
    trained.tensors.push_back({named.name, named.tensor.detach().cpu()});
  }
  return trained;
}

class DeviceTrainStepTest : public testing::TestWithParam<NanoModel> {
 protected:
  const at::Device device_ = StandInDevice();  // before the first backward pass
};

// No number of a step is read before the step ends, so the host runs ahead of the device.
TEST_P(DeviceTrainStepTest, UploadsItsBatchOnlyAndWaitsForNothing) {
  const auto num_inputs = static_cast<int64_t>(BuildNano(GetParam())->inputs.size());
  for (const LinkTraffic& traffic : TrainOn(device_, GetParam()).traffic) {
    EXPECT_EQ(traffic.num_uploads, kNanoBatch * (num_inputs + 1)) << "inputs and labels, by sample";
    EXPECT_EQ(traffic.num_downloads, 0);
  }
}

TEST_P(DeviceTrainStepTest, LearnsWhatTheCpuLearns) {
  const std::vector<NamedTensor> here = TrainOn(at::kCPU, GetParam()).tensors;
  const std::vector<NamedTensor> there = TrainOn(device_, GetParam()).tensors;
  ASSERT_EQ(here.size(), there.size());
  for (size_t i = 0; i < here.size(); ++i) {
    const at::Tensor expected = here[i].tensor.to(at::kDouble);
    EXPECT_LE(there[i].tensor.to(at::kDouble).sub(expected).norm().item<double>(),
              1e-6 * expected.norm().item<double>() + 1e-12)
        << here[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, DeviceTrainStepTest, testing::ValuesIn(NanoFamilies()),
                         [](const auto& nano) { return std::string(nano.param.name); });

}  // namespace
}  // namespace slimreel
