#include "trainer/evaluation/evaluator.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/exit_code.h"
#include "gtest/gtest.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kClasses = 4;

// {clips [B, 3, T, H, W] uint8} -> one slot of logits per head. Head h scores class c by (h + 1)
// times the mean of the clip's pixels whose index is c modulo the number of classes. Holds
// `scratch_bytes` per clip while it runs.
class FakeHeads : public Stage {
 public:
  FakeHeads(int64_t heads, int64_t scratch_bytes)
      : Stage("heads"), heads_(heads), scratch_bytes_(scratch_bytes) {}

  Tensors Forward(const StageContext& context, Tensors in) override {
    EXPECT_FALSE(context.training);
    const int64_t batch = in[0].size(0);
    largest_batch = std::max(largest_batch, batch);
    const at::Tensor scratch = at::empty({batch * scratch_bytes_}, at::kByte);
    const at::Tensor means =
        in[0].view({batch, -1, kClasses}).to(at::kDouble).mean(1).sub(127.5).div(20);
    Tensors out;
    for (int64_t h = 0; h < heads_; ++h) out.push_back(means.mul(h + 1));
    return out;
  }

  int64_t largest_batch = 0;

 private:
  int64_t heads_;
  int64_t scratch_bytes_;
};

struct Subject {
  Model model;
  FakeHeads* heads;
  std::unique_ptr<Loader> loader;
};

Subject Make(int64_t heads, int64_t batch_size, int64_t scratch_bytes = 0, int64_t num_clips = 1) {
  Subject subject;
  auto stage = std::make_unique<FakeHeads>(heads, scratch_bytes);
  subject.heads = stage.get();
  subject.model.name = "fake";
  subject.model.inputs = {{.kind = InputKind::kFrames, .sizes = {3, 2, 8, 8}}};
  subject.model.num_classes = kClasses;
  subject.model.stages.push_back(std::move(stage));
  LoaderOptions options;
  options.sources = {"synthetic:21"};
  options.training = false;
  options.sampling = Sampling::kSequential;
  options.height = options.width = 8;
  options.num_frames = 2;
  options.num_classes = kClasses;
  options.num_clips = num_clips;
  options.batch_size = batch_size;
  options.num_workers = 0;
  subject.loader = Loader::Open(options).value();
  return subject;
}

EvaluationResult Evaluate(Subject& subject, int64_t max_clips = -1) {
  Evaluator evaluator(subject.model, subject.loader.get(), max_clips, at::kCPU);
  auto result = evaluator.Run();
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

TEST(EvaluatorTest, ScoresDoNotDependOnTheBatchSizeAndCountEverySampleOnce) {
  Subject one = Make(1, 1);
  Subject eight = Make(1, 8);  // 21 samples: the last batch is short
  const EvaluationResult a = Evaluate(one);
  const EvaluationResult b = Evaluate(eight);
  EXPECT_EQ(a.metrics, b.metrics);
  EXPECT_EQ(a.metrics.clips, 21);
  ASSERT_EQ(a.video_scores.size(), b.video_scores.size());
  for (size_t i = 0; i < a.video_scores.size(); ++i) {
    EXPECT_EQ(a.video_scores[i].logits, b.video_scores[i].logits);
  }
}

TEST(EvaluatorTest, ASecondRunStartsAtTheFirstSampleAgain) {
  Subject subject = Make(1, 4);
  EXPECT_EQ(Evaluate(subject).metrics, Evaluate(subject).metrics);
  EXPECT_EQ(Evaluate(subject, /*max_clips=*/8).metrics.clips, 8);
}

TEST(EvaluatorTest, SeveralHeadsAreAveragedAsProbabilities) {
  Subject single = Make(1, 4);
  Subject twin = Make(2, 4);
  const EvaluationResult one = Evaluate(single);
  const EvaluationResult two = Evaluate(twin);
  ASSERT_EQ(one.video_scores.size(), two.video_scores.size());
  for (size_t i = 0; i < one.video_scores.size(); ++i) {
    std::vector<double> doubled = one.video_scores[i].logits;  // the logits of head 1
    for (double& logit : doubled) logit *= 2;
    const std::vector<double> rgb = Softmax(one.video_scores[i].logits);
    const std::vector<double> pose = Softmax(doubled);
    const std::vector<double> fused = Softmax(two.video_scores[i].logits);
    for (int64_t c = 0; c < kClasses; ++c) EXPECT_NEAR(fused[c], (rgb[c] + pose[c]) / 2, 1e-12);
  }
}

TEST(EvaluatorTest, ABatchThatDoesNotFitIsHalvedAndGivesTheSameMetrics) {
  Subject subject = Make(1, 8);
  const EvaluationResult whole = Evaluate(subject);
  Subject large = Make(1, 8, /*scratch_bytes=*/1 << 20);
  SetCpuBudget(ReadCpuMemory().live_bytes + (3 << 20));
  const EvaluationResult halved = Evaluate(large);
  SetCpuBudget(0);
  EXPECT_EQ(large.heads->largest_batch, 8);
  EXPECT_EQ(halved.metrics, whole.metrics);
}

TEST(EvaluatorTest, TheSizeThatFittedIsRemembered) {
  Subject large = Make(1, 8, /*scratch_bytes=*/1 << 20);
  Evaluator evaluator(large.model, large.loader.get(), -1, at::kCPU);
  SetCpuBudget(ReadCpuMemory().live_bytes + (3 << 20));
  ASSERT_TRUE(evaluator.Run().ok());
  const int64_t refusals = ReadCpuMemory().num_refusals;
  ASSERT_TRUE(evaluator.Run().ok());
  SetCpuBudget(0);
  EXPECT_EQ(ReadCpuMemory().num_refusals, refusals) << "the second run tries nothing larger";
}

TEST(EvaluatorTest, ALimitOnTheBatchHoldsUntilItIsRaised) {
  Subject subject = Make(1, 8);
  Evaluator evaluator(subject.model, subject.loader.get(), -1, at::kCPU);
  evaluator.LimitBatchSize(3);
  const auto limited = evaluator.Run();
  ASSERT_TRUE(limited.ok());
  EXPECT_EQ(subject.heads->largest_batch, 3);
  evaluator.LimitBatchSize(5);
  ASSERT_TRUE(evaluator.Run().ok());
  EXPECT_EQ(subject.heads->largest_batch, 5);
  evaluator.LimitBatchSize(100);
  const auto whole = evaluator.Run();
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(subject.heads->largest_batch, 8) << "never more than data.eval_batch_size";
  EXPECT_EQ(limited->metrics, whole->metrics);
}

// 21 clips take 8064 bytes, and 65 kB as doubles: the batch itself takes most of the budget.
TEST(EvaluatorTest, ABatchLargerThanTheBudgetIsLoadedInPieces) {
  Subject whole = Make(1, 21);
  const EvaluationResult expected = Evaluate(whole);
  Subject pieces = Make(1, 21);
  SetCpuBudget(ReadCpuMemory().live_bytes + 7000);
  const EvaluationResult result = Evaluate(pieces);
  SetCpuBudget(0);
  EXPECT_EQ(result.metrics, expected.metrics);
  EXPECT_LE(pieces.loader->buffer_bytes(), 2 * 2 * 384) << "only buffers of the smaller batch";
}

TEST(EvaluatorTest, ALimitCountsClipsForAnyBatchSize) {
  Subject small = Make(1, 1);
  const EvaluationResult expected = Evaluate(small, /*max_clips=*/5);
  EXPECT_EQ(expected.metrics.clips, 5);
  Subject large = Make(1, 5, /*scratch_bytes=*/1 << 20);
  SetCpuBudget(ReadCpuMemory().live_bytes + (2 << 20) +
               (1 << 19));  // room for two at a time: 2, 2, and 1 of 2
  const EvaluationResult halved = Evaluate(large, /*max_clips=*/5);
  SetCpuBudget(0);
  EXPECT_EQ(halved.metrics, expected.metrics);
}

TEST(EvaluatorTest, AClipThatDoesNotFitAloneEndsInNothingFits) {
  Subject large = Make(1, 4, /*scratch_bytes=*/1 << 20);
  SetCpuBudget(ReadCpuMemory().live_bytes + (1 << 19));
  const absl::Status status =
      Evaluator(large.model, large.loader.get(), -1, at::kCPU).Run().status();
  SetCpuBudget(0);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  for (const char* part : {"data.eval_batch_size", "memory.budget = ", "which wants 1"}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
}

// No machine has room for such a block. The allocators of sanitizers end the process at it.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(EvaluatorTest, WithoutABudgetTheMachineIsNamed) {
  Subject large = Make(1, 4, /*scratch_bytes=*/int64_t{1} << 50);
  ASSERT_EQ(CpuBudget(), 0);
  const absl::Status status =
      Evaluator(large.model, large.loader.get(), -1, at::kCPU).Run().status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  EXPECT_NE(status.message().find("what this machine allows"), absl::string_view::npos) << status;
  EXPECT_EQ(status.message().find("memory.budget"), absl::string_view::npos) << status;
}
#endif

}  // namespace
}  // namespace slimreel
