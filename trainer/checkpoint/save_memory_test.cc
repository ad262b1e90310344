// What a save does when memory runs out: it costs a second attempt, never a checkpoint.
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Its weight may be stored transposed, so that it has to be copied before it can be written.
class Affine : public Stage {
 public:
  explicit Affine(bool transposed) : Stage("affine") {
    at::Tensor weight = transposed ? at::randn({50, 30}).t() : at::randn({30, 50});
    state_.parameters = {{"affine.weight", weight.set_requires_grad(true)},
                         {"affine.bias", at::randn({30}).set_requires_grad(true)}};
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override { return in; }
};

class SaveMemoryTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    model_.name = "affine";
    model_.stages.push_back(std::make_unique<Affine>(GetParam()));
    TrainOptions options;
    options.optimizer = OptimizerKind::kSgd;
    options.momentum = 0.0;
    optimizer_ = std::make_unique<Optimizer>(options, MakeParamGroups(Parameters(model_), 0, true));
    run_ = TestFolder(GetParam() ? "transposed" : "plain");
    EXPECT_TRUE(Save(1).ok());
  }

  absl::StatusOr<TrainState> Save(int64_t step) {
    TrainState state;
    state.step = step;
    state.classes = {"left", "right"};
    const SaveRequest request{.run_dir = run_,
                              .config = "seed: 5\n",
                              .keep = 2,
                              .model = &model_,
                              .optimizer = optimizer_.get()};
    return SaveCheckpoint(request, state);
  }
  std::string Path(int64_t step) const { return run_ + "/checkpoints/" + CheckpointName(step); }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(run_ + "/checkpoints")) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  // The checkpoint is complete, and its tensors are those of step 1, bit for bit.
  void ExpectSavedLikeTheFirst(int64_t step) {
    const auto first = VerifyCheckpoint(Path(1)), state = VerifyCheckpoint(Path(step));
    ASSERT_TRUE(first.ok() && state.ok()) << state.status();
    EXPECT_EQ(state->step, step);
    EXPECT_EQ(state->files, first->files);
    EXPECT_EQ(Names(), (std::set<std::string>{CheckpointName(1), CheckpointName(step), "latest"}));
  }

  Model model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::string run_;
};

TEST_P(SaveMemoryTest, OnlyATensorThatIsNotContiguousTakesTensorMemory) {
  const int64_t before = ReadCpuMemory().live_bytes;
  ResetCpuPeaks();
  const AllocationFault counter(AllocationFault::kNever);
  ASSERT_TRUE(Save(2).ok());
  EXPECT_EQ(counter.num_seen(), GetParam() ? 1 : 0);
  EXPECT_EQ(ReadCpuMemory().peak_live_bytes - before, GetParam() ? 30 * 50 * 4 : 0);
}

TEST_P(SaveMemoryTest, ATensorThatIsRefusedOnceIsSavedByASecondAttempt) {
  const AllocationFault fault(0);
  ASSERT_TRUE(Save(2).ok());
  EXPECT_EQ(fault.thrown(), GetParam());
  ExpectSavedLikeTheFirst(2);
}

TEST_P(SaveMemoryTest, AFullBudgetLeavesTheCheckpointsBeforeAndNothingHalfWritten) {
  SetCpuBudget(ReadCpuMemory().live_bytes);
  const absl::Status status = Save(2).status();
  SetCpuBudget(0);
  if (!GetParam()) {
    EXPECT_TRUE(status.ok()) << status << "; a save of contiguous tensors needs no budget";
    return ExpectSavedLikeTheFirst(2);
  }
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  EXPECT_EQ(Names(), (std::set<std::string>{CheckpointName(1), "latest"}));
  EXPECT_TRUE(VerifyCheckpoint(Path(1)).ok());
  ASSERT_TRUE(Save(2).ok()) << "with memory again";
  ExpectSavedLikeTheFirst(2);
}

INSTANTIATE_TEST_SUITE_P(Layouts, SaveMemoryTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Transposed" : "Contiguous"; });

}  // namespace
}  // namespace slimreel
