#include "trainer/setup/resume.h"

#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "gtest/gtest.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

std::string FreshRun() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string run = ::testing::TempDir() + "/" + info->name();
  fs::remove_all(run);
  fs::create_directories(run + "/checkpoints");
  return run;
}

void Save(const std::string& run, int64_t step) {
  auto folder = AtomicFolder::Create(run + "/checkpoints/" + CheckpointName(step));
  ASSERT_TRUE(folder.ok()) << folder.status();
  TrainState state;
  state.step = step;
  std::ofstream((*folder)->aside() + "/" + kStateFile) << StateToJson(state);
  ASSERT_TRUE((*folder)->Commit().ok());
}

TEST(ResumeTest, AutoStartsAnewInAnEmptyFolderAndGoesOnElsewhere) {
  const std::string run = FreshRun();
  EXPECT_FALSE(FindStart("auto", run)->has_value());
  EXPECT_FALSE(FindStart("auto", run + "/not_there")->has_value());
  Save(run, 4);
  Save(run, 9);
  EXPECT_EQ((*FindStart("auto", run))->state.step, 9);
}

TEST(ResumeTest, NoneRefusesToMixWithAnEarlierRun) {
  const std::string run = FreshRun();
  EXPECT_FALSE(FindStart("none", run)->has_value());
  Save(run, 4);
  EXPECT_EQ(FindStart("none", run).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ResumeTest, OnlyDamagedCheckpointsAreDataLossAndNotANewRun) {
  const std::string run = FreshRun();
  Save(run, 4);
  std::ofstream(run + "/checkpoints/step_00000004/state.json") << "{}";
  EXPECT_EQ(FindStart("auto", run).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ResumeTest, APathGoesBackAndLaterCheckpointsAreSetAsideNotLost) {
  const std::string run = FreshRun();
  for (int64_t step : {3, 6, 9}) Save(run, step);
  const auto start = FindStart(run + "/checkpoints/step_00000003", run);
  ASSERT_TRUE(start.ok() && start->has_value());
  ASSERT_TRUE(SetAsideLaterCheckpoints(run, (*start)->state.step).ok());
  EXPECT_EQ((*FindStart("auto", run))->state.step, 3);
  EXPECT_TRUE(fs::exists(run + "/checkpoints/superseded_step_00000009/state.json"));
}

TEST(ResumeTest, EveryDifferenceOfTheEnvironmentIsNamed) {
  const RunEnvironment saved{2, "AVX2", "2.13.0", "cpu"};
  EXPECT_EQ(EnvironmentDifference(saved, saved), "");
  EXPECT_EQ(EnvironmentDifference(saved, {4, "AVX2", "2.13.0", "cuda:0"}),
            "threads 2 -> 4, device cpu -> cuda:0");
}

}  // namespace
}  // namespace slimreel
