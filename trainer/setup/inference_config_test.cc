#include "trainer/setup/inference_config.h"

#include "gtest/gtest.h"

namespace slimreel {
namespace {

Config RunConfig() {
  Config run;
  run.data.train = {"moved/train"};
  run.data.val = {"moved/val"};
  run.data.test = {"moved/test"};
  run.data.batch_size = 32;
  run.data.num_frames = 4;
  run.data.img_height = 64;
  run.data.heatmap.sigma = 2.0;
  run.model.name = "later";
  run.trainer.precision = Precision::kBf16;
  run.trainer.device = "cpu";
  run.evaluation.num_clips = 7;
  run.memory.budget = ByteSpec{.bytes = 1 << 20, .percent = 0.0};
  run.dataloader.num_workers = 5;
  return run;
}

Config LearntConfig() {
  Config learnt;
  learnt.data.train = {"old/train"};
  learnt.data.num_frames = 16;
  learnt.data.img_height = 112;
  learnt.data.heatmap.sigma = 0.6;
  learnt.model.name = "earlier";
  learnt.trainer.precision = Precision::k64;
  learnt.trainer.device = "cuda";
  return learnt;
}

TEST(InferenceConfigTest, InputsModelAndPrecisionAreTheCheckpoints) {
  const Config config = InferenceConfig(RunConfig(), LearntConfig());
  EXPECT_EQ(config.data.num_frames, 16);
  EXPECT_EQ(config.data.img_height, 112);
  EXPECT_EQ(config.data.heatmap.sigma, 0.6);
  EXPECT_EQ(config.model, LearntConfig().model);
  EXPECT_EQ(config.trainer.precision, Precision::k64);
}

TEST(InferenceConfigTest, PathsBatchSizeAndMemoryAreTheRuns) {
  const Config config = InferenceConfig(RunConfig(), LearntConfig());
  EXPECT_EQ(config.data.train, RunConfig().data.train);
  EXPECT_EQ(config.data.val, RunConfig().data.val);
  EXPECT_EQ(config.data.test, RunConfig().data.test);
  EXPECT_EQ(config.data.ResolvedEvalBatchSize(), 32);
  EXPECT_EQ(config.trainer.device, "cpu");
  EXPECT_EQ(config.evaluation, RunConfig().evaluation);
  EXPECT_EQ(config.memory, RunConfig().memory);
  EXPECT_EQ(config.dataloader, RunConfig().dataloader);
}

TEST(InferenceConfigTest, WithoutAChangeItIsTheRuns) {
  Config expected = RunConfig();
  expected.data.eval_batch_size = 32;
  EXPECT_EQ(InferenceConfig(RunConfig(), RunConfig()), expected);
}

}  // namespace
}  // namespace slimreel
