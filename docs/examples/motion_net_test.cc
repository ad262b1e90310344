// docs/models.md shows motion_net.h. This test builds the model and trains it.
#include "docs/examples/motion_net.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

ModelSpec Spec() {
  ModelSpec spec;
  spec.name = "motion_net";
  spec.num_classes = 2;
  spec.num_frames = 6;
  spec.height = spec.width = 32;
  return spec;
}

// Textures that stand still (label 0) or move to the right (1): [8, 3, 6, 32, 32] uint8.
at::Tensor Clips() {
  std::vector<at::Tensor> clips;
  for (int64_t b = 0; b < 8; ++b) {
    const at::Tensor texture = at::randint(256, {3, 32, 32}, at::kByte);
    std::vector<at::Tensor> frames;
    for (int64_t t = 0; t < 6; ++t) frames.push_back(texture.roll({b % 2 * 2 * t}, {2}));
    clips.push_back(at::stack(frames, 1));
  }
  return at::stack(clips);
}

// Losses of `steps` steps; the weights after them in `weights`.
std::vector<double> Train(StageMode mode, const at::Tensor& clips, int steps, Tensors* weights) {
  const std::unique_ptr<Model> model = std::move(MotionNetModel(Spec()).value());
  Executor executor(model->ChainWithLoss());
  Optimizer optimizer({}, MakeParamGroups(Parameters(*model), 0.0, false));
  const Schedule schedule =
      MakeSchedule(std::vector<StageMode>(executor.num_scheduled_stages() - 1, mode));
  const Tensors targets{at::tensor({0, 1, 0, 1, 0, 1, 0, 1}, at::kLong)};
  StageContext context;
  context.training = true;
  context.targets = &targets;
  context.loss_denominator = model->loss->ValidWeight(targets);
  std::vector<double> losses;
  for (context.step = 0; context.step < steps; ++context.step) {
    losses.push_back(executor.Run(schedule, context, {clips})[0].item<double>());
    optimizer.Step(0.02);
    optimizer.ZeroGrad();
  }
  for (const NamedTensor& named : Parameters(*model)) weights->push_back(named.tensor);
  return losses;
}

TEST(MotionNetTest, LearnsMotionAndIsTheSameCheckpointed) {
  const at::Tensor clips = Clips();
  Tensors kept, checkpointed;
  const std::vector<double> losses = Train(StageMode::kKeep, clips, 60, &kept);
  EXPECT_LT(losses.back(), 0.2 * losses.front());
  EXPECT_EQ(Train(StageMode::kCheckpoint, clips, 60, &checkpointed), losses);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(at::equal(kept[i], checkpointed[i]));
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(MotionNetTest, GuideShowsThisVeryFile) {
  EXPECT_NE(ReadFile("docs/models.md").find(ReadFile("docs/examples/motion_net.h")),
            std::string::npos)
      << "docs/models.md must hold docs/examples/motion_net.h as it is";
}

}  // namespace
}  // namespace slimreel
