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

PlanReport Report() {
  PlanReport report;
  report.model = "r3d_nano";
  report.device = "cpu";
  report.effective_batch = 16;
  report.plan = MakePlan(6, {StageMode::kKeep, StageMode::kCheckpoint}, {"stem", "head", "loss"});
  report.budget_bytes = 1 << 20;
  report.ceiling_bytes = 1 << 20;
  report.ceiling_origin = "memory.budget";
  return report;
}

TEST(PlanFileTest, HoldsThePlanInForceAndReplacesTheOldFile) {
  const std::string run_dir = TestFolder("plan_file");
  PlanReport report = Report();
  ASSERT_TRUE(WritePlanFile(run_dir, report).ok());
  const nlohmann::json first = Read(run_dir);
  EXPECT_EQ(first["effective_batch_size"], 16);
  EXPECT_EQ(first["micro_batch_size"], 6);
  EXPECT_EQ(first["accumulate_grad_batches"], 3);  // 6 + 6 + 4
  EXPECT_EQ(first["schedule"], ScheduleText(report.plan));
  EXPECT_EQ(first["budget_bytes"], 1 << 20);
  EXPECT_EQ(first["ceiling"]["origin"], "memory.budget");
  EXPECT_TRUE(first["predicted_peak_bytes"].is_null());
  EXPECT_EQ(first["operations"][1], (nlohmann::json{{"op", "F_checkpoint"}, {"stage", "head"}}));
  report.plan.micro_batch = 16;
  report.budget_bytes = 0;
  ASSERT_TRUE(WritePlanFile(run_dir, report).ok());
  EXPECT_EQ(Read(run_dir)["accumulate_grad_batches"], 1);
  EXPECT_TRUE(Read(run_dir)["budget_bytes"].is_null());
  // No half-written file stays beside it.
  const std::filesystem::directory_iterator files(run_dir);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(PlanFileTest, PeaksOutsideOfTheStepStandInTheFileAndOnThePage) {
  PlanReport report = Report();
  EXPECT_TRUE(nlohmann::json::parse(PlanJson(report))["outside_peaks"].is_null());
  report.planned.emplace().prediction.peak_bytes = 2500;
  report.outside = {.load = 1000, .resume = 2000, .save = 2001, .evaluate = 3072};
  report.evaluated_clips = 4;
  EXPECT_EQ(nlohmann::json::parse(PlanJson(report))["outside_peaks"],
            (nlohmann::json{{"load", 1000}, {"resume", 2000}, {"save", 2001}, {"evaluate", 3072}}));
  const std::string page = PlanPage(report);
  EXPECT_NE(page.find("3 KiB  (4 clips at once)  more than a step\n"), std::string::npos) << page;
  EXPECT_EQ(page.find("more than a step"), page.rfind("more than a step")) << page;
  report.outside->evaluate = 0;  // nothing is evaluated
  EXPECT_TRUE(nlohmann::json::parse(PlanJson(report))["outside_peaks"]["evaluate"].is_null());
  EXPECT_EQ(PlanPage(report).find("evaluating"), std::string::npos);
}

TEST(PlanFileTest, WhatIsPredictedStandsInTheFile) {
  const std::string run_dir = TestFolder("plan_file_predicted");
  PlanReport report = Report();
  PlannedStep& planned = report.planned.emplace();
  planned.prediction.peak_bytes = 700;
  planned.prediction.step_ms = 12.5;
  At(planned.prediction.by_tag, MemoryTag::kActivations) = 700;
  planned.smallest_budget_bytes = 500;
  planned.alternatives.push_back(
      {report.plan, {.peak_bytes = 600, .by_tag = {}, .step_ms = 25.0}, "smaller"});
  report.predicted_host_peak_bytes = 9000;
  ASSERT_TRUE(WritePlanFile(run_dir, report).ok());
  const nlohmann::json json = Read(run_dir);
  EXPECT_EQ(json["predicted_peak_bytes"], 700);
  EXPECT_EQ(json["predicted_host_peak_bytes"], 9000);
  EXPECT_EQ(json["predicted_step_ms"], 12.5);
  EXPECT_EQ(json["bytes"]["activations"], 700);
  EXPECT_EQ(json["smallest_budget_bytes"], 500);
  EXPECT_EQ(json["alternatives"][0]["predicted_peak_bytes"], 600);
  EXPECT_EQ(json["alternatives"][0]["what"], "smaller");
}

TEST(PlanFileTest, AMissingFolderIsAnErrorWithItsPath) {
  const absl::Status status = WritePlanFile("/nowhere/run", Report());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/nowhere/run/plan.json"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace slimreel
