// Whole runs of train, in this process: what was predicted outside of the step, and what it took.
#include "trainer/setup/outside_plan.h"

#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/test_files.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/setup/train_command.h"

namespace slimreel {
namespace {

using Overrides = std::vector<ConfigOverride>;

class OutsidePlanTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ResetCpuPeaks();  // a run's peak is that of its process
    folder_ = TestFolder(absl::StrCat("outside_plan_", GetParam()));
  }
  void TearDown() override { SetCpuBudget(0); }

  // Trains silently for `steps` steps of four samples.
  absl::Status Train(int steps, const Overrides& more = {}) const {
    Overrides overrides = {{"seed", "3"},
                           {"model.name", GetParam()},
                           {"model.num_classes", "3"},
                           {"model.norm_group", "1"},
                           {"data.train", "synthetic:8"},
                           {"data.val", "synthetic:7"},
                           {"data.img_size", "32"},
                           {"data.num_frames", "8"},
                           {"data.batch_size", "4"},
                           {"train.max_steps", absl::StrCat(steps)},
                           {"evaluation.strategy", "steps"},
                           {"evaluation.every_steps", "1"},
                           {"dataloader.num_workers", "0"},
                           {"trainer.log_every_steps", "1"},
                           {"trainer.progress", "false"}};
    overrides.insert(overrides.end(), more.begin(), more.end());
    std::ostringstream output;
    std::streambuf* const old = std::cout.rdbuf(output.rdbuf());
    TrainCommand command;
    command.run = folder_;
    const absl::Status status = RunTrainCommand(command, overrides);
    std::cout.rdbuf(old);
    return status;
  }

  nlohmann::json Read(const std::string& name) const {
    return nlohmann::json::parse(ReadTestFile(absl::StrCat(folder_, "/", name)));
  }

  std::string folder_;
};

TEST_P(OutsidePlanTest, PredictionsEqualWhatTheRunTookAndStandInThePlan) {
  ASSERT_TRUE(Train(1).ok());
  nlohmann::json plan = Read("plan.json")["outside_peaks"];
  nlohmann::json run = Read("summary.json")["outside_peaks"];
  for (const char* phase : {"load", "resume", "save", "evaluate"}) {
    EXPECT_EQ(run[phase]["predicted"], plan[phase]) << phase;
  }
  EXPECT_EQ(run["save"]["measured"], run["save"]["predicted"]);
  EXPECT_EQ(run["evaluate"]["measured"], run["evaluate"]["predicted"]);
  EXPECT_TRUE(run["resume"]["measured"].is_null()) << "a new run";
  EXPECT_LE(run["load"]["measured"], run["load"]["predicted"]);
  EXPECT_GE(run["load"]["measured"].get<int64_t>() + kBuildSlackBytes, run["load"]["predicted"]);

  ResetCpuPeaks();
  ASSERT_TRUE(Train(2).ok());
  run = Read("summary.json")["outside_peaks"];
  EXPECT_EQ(run["resume"]["measured"], run["resume"]["predicted"]);
  EXPECT_EQ(run["evaluate"]["measured"], run["evaluate"]["predicted"]);
}

// The user wants more clips at once than fit. The run knows before its first step.
TEST_P(OutsidePlanTest, AnEvaluationThatIsPredictedNotToFitTakesFewerClipsFromTheStart) {
  ASSERT_TRUE(Train(1, {{"evaluation.strategy", "no"}}).ok());
  const int64_t step_bytes = Read("summary.json")["peak_bytes"]["device"];
  EXPECT_TRUE(Read("plan.json")["outside_peaks"]["evaluate"].is_null());
  ResetCpuPeaks();
  const absl::Status status = Train(2, {{"data.eval_batch_size", "256"},
                                        {"data.val", "synthetic:300"},
                                        {"data.train", "synthetic:8"},
                                        {"memory.budget", absl::StrCat(step_bytes)}});
  ASSERT_TRUE(status.ok()) << status;
  const nlohmann::json run = Read("summary.json")["outside_peaks"];
  EXPECT_EQ(run["evaluate"]["measured"], run["evaluate"]["predicted"])
      << "no larger batch was tried";
  EXPECT_LE(run["evaluate"]["predicted"], step_bytes);
  EXPECT_GT(2 * run["evaluate"]["predicted"].get<int64_t>(), step_bytes) << "no fewer than needed";
}

INSTANTIATE_TEST_SUITE_P(Models, OutsidePlanTest, testing::Values("r3d_nano", "video_vit_nano"));

TEST(CheckOutsidePeaksTest, APhaseAboveTheCeilingEndsTheRunWithExitCode4AndItsName) {
  const OutsidePeaks peaks{.load = 100, .resume = 300, .save = 200, .evaluate = 0};
  EXPECT_TRUE(CheckOutsidePeaks(peaks, Ceiling()).ok()) << "no ceiling";
  const auto with = [](int64_t bytes) {
    return Ceiling{.bytes = bytes, .origin = "memory.budget"};
  };
  EXPECT_TRUE(CheckOutsidePeaks(peaks, with(300)).ok());
  const absl::Status status = CheckOutsidePeaks(peaks, with(299));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits);
  for (const char* part : {"resuming (300 B)", "memory.budget", "data.num_frames"}) {
    EXPECT_NE(status.message().find(part), std::string::npos) << part << " in " << status;
  }
  EXPECT_EQ(status.message().find("saving"), std::string::npos) << status;
}

}  // namespace
}  // namespace slimreel
