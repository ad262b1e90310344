// What the tags of a step's memory promise.
#include "trainer/loop/gradient_tags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/loop/tiny_learner.h"
#include "trainer/loop/train_step.h"

namespace slimreel {
namespace {

int64_t NumBytes(const std::vector<NamedTensor>& tensors) {
  int64_t bytes = 0;
  for (const NamedTensor& named : tensors) bytes += static_cast<int64_t>(named.tensor.nbytes());
  return bytes;
}

// Reads live bytes by tag after each backward operation, and where the update begins.
class Readings : public ExecutorHooks {
 public:
  void AfterOp(const Op& op) override {
    if (op.kind == OpKind::kBackward) after_backward.push_back(ReadCpuMemory().live_by_tag);
  }
  void BeforeUpdate() override { at_update = ReadCpuMemory().live_by_tag; }

  std::vector<BytesByTag> after_backward;
  BytesByTag at_update{};
};

class StepTagsTest : public ::testing::TestWithParam<std::string> {};

// The reference is the sum of the tensors' own sizes.
TEST_P(StepTagsTest, AtTheUpdateEveryByteHasTheTagOfItsTensor) {
  const BytesByTag before = ReadCpuMemory().live_by_tag;
  TinyLearner learner(GetParam());
  const int64_t weights = NumBytes(Parameters(*learner.model));
  EXPECT_EQ(
      At(ReadCpuMemory().live_by_tag, MemoryTag::kParameters) - At(before, MemoryTag::kParameters),
      weights + NumBytes(Buffers(*learner.model)) + NumBytes(Constants(*learner.model)));

  TrainStepOptions options;
  options.norm_group = options.limits.norm_group = 1;
  TrainStep step(*learner.model, &learner.executor, &learner.optimizer, options,
                 learner.PlanOf("keep", /*micro_batch=*/2));
  Readings readings;
  step.set_hooks(&readings);
  const Batch batch = OpenTinyLoader(/*samples=*/8, /*batch_size=*/4)->Next().value();
  for (int n = 0; n < 2; ++n) {
    readings.after_backward.clear();
    ASSERT_TRUE(step.Run(batch, n, /*lr=*/0.1).ok());
    const auto live = [&](const BytesByTag& by_tag, MemoryTag tag) {
      return At(by_tag, tag) - At(before, tag);
    };
    EXPECT_EQ(live(readings.at_update, MemoryTag::kGradients), weights) << "step " << n;
    const int64_t reserve =
        live(readings.at_update, MemoryTag::kOptimizer) - learner.optimizer.StateBytes();
    EXPECT_GT(reserve, 0);
    EXPECT_LT(reserve, 100 << 10) << "state, and the reserve of the update";
    EXPECT_LE(live(readings.at_update, MemoryTag::kActivations), 64) << "only the loss";
    EXPECT_EQ(live(readings.at_update, MemoryTag::kInput), 0);
    // Backward goes from the last stage to the first, so gradients grow and activations shrink.
    const size_t per_micro_batch = readings.after_backward.size() / 2;
    for (size_t op = 1; op < per_micro_batch; ++op) {
      EXPECT_GE(live(readings.after_backward[op], MemoryTag::kGradients),
                live(readings.after_backward[op - 1], MemoryTag::kGradients));
      EXPECT_EQ(live(readings.after_backward[op], MemoryTag::kInput), batch.bytes() / 2)
          << "the micro-batch in hand";
    }
    EXPECT_EQ(live(readings.after_backward[per_micro_batch - 1], MemoryTag::kGradients), weights);
    EXPECT_EQ(live(ReadCpuMemory().live_by_tag, MemoryTag::kGradients), 0) << "after the step";
  }
}

TEST_P(StepTagsTest, AtThePeakOfAStepEveryByteOfItHasATag) {
  const BytesByTag before = ReadCpuMemory().live_by_tag;
  TinyLearner learner(GetParam());
  TrainStepOptions options;
  options.norm_group = options.limits.norm_group = 1;
  TrainStep step(*learner.model, &learner.executor, &learner.optimizer, options,
                 learner.PlanOf("keep", /*micro_batch=*/4));
  const Batch batch = OpenTinyLoader(/*samples=*/8, /*batch_size=*/4)->Next().value();
  const int64_t other = At(ReadCpuMemory().live_by_tag, MemoryTag::kOther);
  ResetCpuPeaks();
  ASSERT_TRUE(step.Run(batch, 0, /*lr=*/0.1).ok());
  const BytesByTag peak = ReadCpuMemory().peak_by_tag;
  EXPECT_EQ(At(peak, MemoryTag::kInput) - At(before, MemoryTag::kInput), batch.bytes());
  EXPECT_GT(At(peak, MemoryTag::kActivations), 2 * batch.bytes()) << "as float32, at least";
  EXPECT_EQ(At(peak, MemoryTag::kOther), other) << "all that a step allocates has a tag";
}

INSTANTIATE_TEST_SUITE_P(TwoFamilies, StepTagsTest,
                         ::testing::Values("video_vit_nano", "r3d_nano"));

}  // namespace
}  // namespace slimreel
