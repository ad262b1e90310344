// A training step of one micro-batch on a device that is not the CPU, for each family.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/stage/become.h"
#include "models/factory/nano_families.h"
#include "models/testing/stand_in_device.h"

namespace slimreel {
namespace {

struct StepResult {
  std::vector<NamedTensor> tensors;  // the loss, every gradient, every buffer; on the CPU
  LinkTraffic traffic;
};

StepResult StepOn(at::Device device, const NanoModel& nano) {
  const auto model = BuildNano({nano.name, [&](ModelSpec* spec) {
                                  nano.change(spec);
                                  spec->dtype = at::kDouble;
                                }});
  RandomiseByFormula(model->stages);
  for (const NamedTensor& named : ListedTensors(*model)) {
    Become(named.tensor, named.tensor.detach().to(device));
  }
  const NanoBatch batch = MakeNanoBatch(*model, device);
  Executor executor(model->ChainWithLoss());
  std::vector<StageMode> modes;
  for (int i = 0; i + 1 < executor.num_scheduled_stages(); ++i) {
    modes.push_back(static_cast<StageMode>(i % 3));  // keep, lean, checkpoint
  }
  TakeLinkTraffic();
  const Tensors out = executor.Run(MakeSchedule(modes), NanoContext(batch), batch.inputs);
  CommitLogs(StepLogs(model->ChainWithLoss()));
  StepResult result;
  result.traffic = TakeLinkTraffic();
  result.tensors.push_back({"loss", out[0].cpu()});
  for (const NamedTensor& named : Parameters(*model)) {
    result.tensors.push_back({named.name, named.tensor.grad().cpu()});
  }
  for (const NamedTensor& named : Buffers(*model)) {
    result.tensors.push_back({named.name, named.tensor.cpu()});
  }
  return result;
}

class DeviceStepTest : public testing::TestWithParam<NanoModel> {
 protected:
  const at::Device device_ = StandInDevice();  // before the first backward pass
};

// What a pass needs from the host, it would move in every pass, and wait for it.
TEST_P(DeviceStepTest, MovesNothingOverTheLink) {
  const LinkTraffic traffic = StepOn(device_, GetParam()).traffic;
  EXPECT_EQ(traffic.num_uploads, 0);
  EXPECT_EQ(traffic.num_downloads, 0);
}

// Layers that have loops of their own on the CPU compute with tensors elsewhere.
TEST_P(DeviceStepTest, LearnsWhatTheCpuLearns) {
  const std::vector<NamedTensor> here = StepOn(at::kCPU, GetParam()).tensors;
  const std::vector<NamedTensor> there = StepOn(device_, GetParam()).tensors;
  ASSERT_EQ(here.size(), there.size());
  for (size_t i = 0; i < here.size(); ++i) {
    const at::Tensor expected = here[i].tensor.to(at::kDouble);
    EXPECT_LE(there[i].tensor.to(at::kDouble).sub(expected).norm().item<double>(),
              1e-9 * expected.norm().item<double>() + 1e-12)
        << here[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, DeviceStepTest, testing::ValuesIn(NanoFamilies()),
                         [](const auto& nano) { return std::string(nano.param.name); });

TEST(StandInDeviceTest, SeesWhatGoesOverTheLink) {
  const at::Tensor here = FormulaTensor("x", {3, 4});
  TakeLinkTraffic();
  const at::Tensor there = here.to(StandInDevice());
  EXPECT_EQ(TakeLinkTraffic().num_uploads, 1);
  EXPECT_EQ(there.mul(2.0).sum().item<double>(), here.mul(2.0).sum().item<double>());
  const LinkTraffic traffic = TakeLinkTraffic();
  EXPECT_EQ(traffic.num_uploads, 0);
  EXPECT_EQ(traffic.num_downloads, 1);
}

}  // namespace
}  // namespace slimreel
