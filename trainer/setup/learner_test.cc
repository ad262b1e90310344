#include "trainer/setup/learner.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

Config Small() {
  Config config;
  config.model.name = "r3d_nano";
  config.model.num_classes = 3;
  config.data.train = {"synthetic:8"};
  config.data.img_height = config.data.img_width = 32;
  config.data.num_frames = 8;
  config.data.batch_size = 2;
  config.train.accumulate_grad_batches = 2;
  return config;
}

TEST(LearnerTest, HasTheModelItsBatchTermsAndTheOptimizersState) {
  const auto learner = MakeLearner(Small(), RunRequest());
  ASSERT_TRUE(learner.ok()) << learner.status();
  EXPECT_EQ(learner->model->num_classes, 3);
  EXPECT_EQ(learner->batch.effective_batch, 4);
  EXPECT_EQ(learner->batch.min_micro_batch, 2) << "BatchNorm takes its statistics over them";
  EXPECT_GT(learner->optimizer->StateBytes(), 0);
}

TEST(LearnerTest, AWeightIsNeededForEachClass) {
  Config config = Small();
  config.train.class_weights = {1.0, 2.0};
  const absl::Status status = MakeLearner(config, RunRequest()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("train.class_weights has 2 numbers"), std::string::npos)
      << status;
}

TEST(LearnerTest, ASpeechModelHasItsVocabularyInsteadOfClasses) {
  Config config = Small();
  config.model.name = "whisper_nano";
  const absl::Status status = MakeLearner(config, RunRequest()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("but the vocabulary of"), std::string::npos) << status;
  config.model.num_classes.reset();
  EXPECT_TRUE(MakeLearner(config, RunRequest()).ok());
}

}  // namespace
}  // namespace slimreel
