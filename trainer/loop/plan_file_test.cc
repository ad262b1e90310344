#include "trainer/loop/plan_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/test_files.h"

namespace slimreel {
namespace {

nlohmann::json Read(const std::string& run_dir) {
  std::ifstream file(run_dir + "/plan.json");
  return nlohmann::json::parse(file);
}

TEST(PlanFileTest, HoldsThePlanInForceAndReplacesTheOldFile) {
  const std::string run_dir = TestFolder("plan_file");
  Plan plan = MakePlan(6, {StageMode::kKeep, StageMode::kCheckpoint}, {});
  ASSERT_TRUE(WritePlanFile(run_dir, plan, /*effective_batch_size=*/16, 1 << 20).ok());
  const nlohmann::json first = {{"effective_batch_size", 16},
                                {"micro_batch_size", 6},
                                {"accumulate_grad_batches", 3},  // 6 + 6 + 4
                                {"schedule", ScheduleText(plan)},
                                {"budget_bytes", 1 << 20}};
  EXPECT_EQ(Read(run_dir), first);
  plan.micro_batch = 16;
  ASSERT_TRUE(WritePlanFile(run_dir, plan, 16, /*budget_bytes=*/0).ok());
  EXPECT_EQ(Read(run_dir)["accumulate_grad_batches"], 1);
  EXPECT_TRUE(Read(run_dir)["budget_bytes"].is_null());
  // No half-written file stays beside it.
  const std::filesystem::directory_iterator files(run_dir);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(PlanFileTest, AMissingFolderIsAnErrorWithItsPath) {
  const absl::Status status = WritePlanFile("/nowhere/run", Plan(), 1, 0);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/nowhere/run/plan.json"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace slimreel
