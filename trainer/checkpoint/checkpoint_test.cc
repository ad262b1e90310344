#include "trainer/checkpoint/checkpoint.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {
namespace {

class Affine : public Stage {
 public:
  Affine() : Stage("affine") {
    parameters_ = {{"affine.weight", at::randn({3, 5}).set_requires_grad(true)},
                   {"affine.bias", at::randn({3}).set_requires_grad(true)}};
    buffers_ = {{"affine.running_mean", at::randn({3})}};
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override { return in; }
};

struct Learner {
  Model model;
  std::unique_ptr<Optimizer> optimizer;
  Learner() {
    model.name = "affine";
    model.stages.push_back(std::make_unique<Affine>());
    optimizer = std::make_unique<Optimizer>(OptimizerOptions(),
                                            MakeParamGroups(Parameters(model), 0.1, false));
  }
  void Step() {
    for (NamedTensor parameter : Parameters(model)) {
      parameter.tensor.mutable_grad() = at::full_like(parameter.tensor, 0.3);
    }
    optimizer->Step(0.01);
    optimizer->ZeroGrad();
  }
};

void ExpectEqual(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(at::equal(a[i].tensor, b[i].tensor)) << a[i].name;
}

std::string FreshRun() {
  const std::string run = ::testing::TempDir() + "/checkpoint_test_run";
  std::filesystem::remove_all(run);
  return run;
}

TEST(CheckpointTest, ARestoredLearnerGoesOnBitForBit) {
  const std::string run = FreshRun();
  Learner trained;
  trained.Step();
  TrainState state;
  state.step = 1;
  ASSERT_TRUE(SaveCheckpoint({.run_dir = run,
                              .device = "cpu",
                              .keep = 3,
                              .model = &trained.model,
                              .optimizer = trained.optimizer.get()},
                             state)
                  .ok());
  const auto found = FindCheckpoint(run, "latest");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.environment, CurrentEnvironment("cpu"));
  Learner restored;
  ASSERT_TRUE(RestoreTensors(found->path, restored.model, restored.optimizer.get()).ok());
  trained.Step();
  restored.Step();
  ExpectEqual(Parameters(trained.model), Parameters(restored.model));
  ExpectEqual(Buffers(trained.model), Buffers(restored.model));
  ExpectEqual(trained.optimizer->State(), restored.optimizer->State());
}

TEST(CheckpointTest, AModelOfOtherShapesIsRefusedAndStaysAsItWas) {
  const std::string run = FreshRun();
  Learner trained;
  TrainState state;
  ASSERT_TRUE(SaveCheckpoint({.run_dir = run,
                              .device = "cpu",
                              .keep = 3,
                              .model = &trained.model,
                              .optimizer = trained.optimizer.get()},
                             state)
                  .ok());
  Learner other;
  NamedTensor bias = Parameters(other.model)[1];
  bias.tensor.set_data(at::zeros({4}));
  const at::Tensor weight = Parameters(other.model)[0].tensor.detach().clone();
  EXPECT_FALSE(RestoreTensors(FindCheckpoint(run, "latest")->path, other.model, nullptr).ok());
  EXPECT_TRUE(at::equal(weight, Parameters(other.model)[0].tensor));
}

TEST(CheckpointTest, AnUnwritableRunFolderIsAnErrorWithItsPath) {
  Learner trained;
  const absl::Status status = SaveCheckpoint({.run_dir = "/proc/nowhere",
                                              .device = "cpu",
                                              .keep = 3,
                                              .model = &trained.model,
                                              .optimizer = trained.optimizer.get()},
                                             TrainState());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
