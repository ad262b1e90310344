#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "trainer/observers/jsonl_file.h"
#include "trainer/observers/memory_writer.h"
#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/progress_line.h"
#include "trainer/observers/summary_writer.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;

std::string FreshFolder() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string folder = ::testing::TempDir() + "/" + info->name();
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

std::vector<nlohmann::json> Lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

StepRecord Step(int64_t step) {
  return {.step = step,
          .epoch = 0,
          .loss = 1.0 / step,
          .grad_norm = 2.0,
          .lr = 1e-3,
          .samples = 8,
          .step_ms = 40.0 + step,
          .micro_batch = 4,
          .oom_retries = step == 3 ? 1 : 0};
}

void Write(const std::string& run, int64_t resumed, int64_t from, int64_t to) {
  auto writer = MakeMetricsWriter(run, resumed);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (int64_t step = from; step <= to; ++step) {
    ASSERT_TRUE((*writer)->OnStep(Step(step), {}).ok());
  }
  ASSERT_TRUE((*writer)->Flush().ok());
}

TEST(MetricsWriterTest, EachStepIsThereOnceAfterAResumeFromAnEarlierCheckpoint) {
  const std::string run = FreshFolder();
  Write(run, 0, 1, 7);
  Write(run, 4, 5, 9);
  const auto lines = Lines(run + "/metrics.jsonl");
  ASSERT_EQ(lines.size(), 9u);
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(lines[i]["step"], i + 1);
  EXPECT_DOUBLE_EQ(lines[8]["loss"], 1.0 / 9);
}

TEST(MetricsWriterTest, ALineCutOffByAKillIsRemoved) {
  const std::string run = FreshFolder();
  Write(run, 0, 1, 3);
  std::ofstream(run + "/metrics.jsonl", std::ios::app) << R"({"step":4,"lo)";
  Write(run, 4, 4, 4);
  EXPECT_EQ(Lines(run + "/metrics.jsonl").size(), 4u);
}

TEST(MetricsWriterTest, ANewRunStartsWithAnEmptyFile) {
  const std::string run = FreshFolder();
  Write(run, 0, 1, 3);
  Write(run, 0, 1, 1);
  EXPECT_EQ(Lines(run + "/metrics.jsonl").size(), 1u);
}

TEST(MetricsWriterTest, AnUnwritableFolderIsAnErrorThatNamesTheFile) {
  const auto writer = MakeMetricsWriter("/nonexistent/run", 0);
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.status().message().find("/nonexistent/run/metrics.jsonl"), std::string::npos);
}

TEST(MemoryWriterTest, WritesLoggedStepsAndEveryRetriedOne) {
  const std::string run = FreshFolder();
  auto writer = MakeMemoryWriter(run, 0, 5);
  for (int64_t step = 1; step <= 10; ++step) {
    ASSERT_TRUE((*writer)->OnStep(Step(step), {.live_bytes = 7}).ok());
  }
  ASSERT_TRUE((*writer)->Flush().ok());
  const auto lines = Lines(run + "/memory.jsonl");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["step"], 3);
  EXPECT_EQ(lines[1]["step"], 5);
  EXPECT_EQ(lines[2]["live_bytes"], 7);
}

// A reading whose parts are all different.
MemoryRecord Tagged() {
  MemoryRecord memory;
  memory.live_bytes = 21;
  memory.peak_bytes = 42;
  memory.budget_bytes = 50;
  memory.live_by_tag = {1, 2, 3, 4, 5, 6};
  memory.peak_by_tag = {2, 4, 6, 8, 10, 12};
  At(memory.peak_by_phase, MemoryPhase::kTrain) = {.bytes = 42, .by_tag = memory.peak_by_tag};
  return memory;
}

TEST(MemoryWriterTest, SplitsLiveAndPeakBytesByTagAndPeaksByPhase) {
  const std::string run = FreshFolder();
  auto writer = MakeMemoryWriter(run, 0, 1);
  ASSERT_TRUE((*writer)->OnStep(Step(1), Tagged()).ok());
  ASSERT_TRUE((*writer)->OnStep(Step(2), {.live_bytes = 7}).ok());  // a device without tags
  ASSERT_TRUE((*writer)->Flush().ok());
  const auto lines = Lines(run + "/memory.jsonl");
  const nlohmann::json live = {{"parameters", 2},  {"gradients", 3}, {"optimizer", 4},
                               {"activations", 5}, {"input", 6},     {"other", 1}};
  const nlohmann::json peak = {{"parameters", 4},   {"gradients", 6}, {"optimizer", 8},
                               {"activations", 10}, {"input", 12},    {"other", 2}};
  EXPECT_EQ(lines[0]["by_tag"], (nlohmann::json{{"live", live}, {"peak", peak}}));
  EXPECT_EQ(lines[0]["phases"],
            (nlohmann::json{{"train", {{"peak_bytes", 42}, {"by_tag", peak}}}}));
  EXPECT_FALSE(lines[1].contains("by_tag"));
  EXPECT_FALSE(lines[1].contains("phases"));
}

// The lines of a run that an earlier version began.
TEST(MemoryWriterTest, LinesWithoutTagsStayWhenTheRunGoesOn) {
  const std::string run = FreshFolder();
  const std::string old_line =
      R"({"step":1,"live_bytes":5,"peak_bytes":9,"reserved_bytes":9,"host_bytes":9,"budget_bytes":0})";
  std::ofstream(run + "/memory.jsonl") << old_line << "\n";
  auto writer = MakeMemoryWriter(run, 1, 1);
  ASSERT_TRUE((*writer)->OnStep(Step(2), Tagged()).ok());
  ASSERT_TRUE((*writer)->Flush().ok());
  const auto lines = Lines(run + "/memory.jsonl");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], nlohmann::json::parse(old_line));
  EXPECT_EQ(lines[1]["by_tag"]["live"]["activations"], 5);
}

TEST(SummaryTest, HoldsEveryFieldOfTheRunFolderPage) {
  const std::string run = FreshFolder();
  auto writer = MakeSummaryWriter(run);
  for (int64_t step = 1; step <= 3; ++step) ASSERT_TRUE(writer->OnStep(Step(step), {}).ok());
  EvaluationRecord evaluation;
  evaluation.metrics.values = {{"top1", 0.75}};
  ASSERT_TRUE(writer->OnEvaluation(evaluation).ok());
  RunRecord record;
  record.effective_batch_size = 8;
  record.memory.peak_bytes = 100;
  record.memory.budget_bytes = 200;
  record.manager.checks = 5;
  record.manager.cleanups = 2;
  record.manager.freed_bytes = 700;
  record.manager.host.mean_bytes = 41;
  record.manager.by_cleanup = {{.name = "prefetch", .runs = 1, .freed_bytes = 300}};
  record.changes = {"step 2: train.lr: 0.1 -> 0.01"};
  ASSERT_TRUE(writer->OnEnd(record).ok());
  std::ifstream file(run + "/summary.json");
  const auto summary = nlohmann::json::parse(file);
  for (const char* key :
       {"metrics", "effective_batch_size", "micro_batch_size", "accumulate_grad_batches",
        "schedule", "budget_bytes", "predicted_peak_bytes", "peak_bytes", "peak_by_tag", "phases",
        "loader", "samples_per_second", "step_ms", "oom_retries", "steps", "epochs"}) {
    EXPECT_TRUE(summary.contains(key)) << key;
  }
  EXPECT_EQ(summary["metrics"]["top1"], 0.75);
  EXPECT_EQ(summary["step_ms"], 42.0);
  EXPECT_EQ(summary["peak_bytes"]["device"], 100);
  EXPECT_EQ(summary["budget_bytes"], 200);
  EXPECT_TRUE(summary["peak_by_tag"].is_null()) << "not known";
  EXPECT_EQ(summary["memory_manager"]["cleanups"], 2);
  EXPECT_EQ(summary["memory_manager"]["freed_bytes"], 700);
  EXPECT_EQ(summary["memory_manager"]["host"]["mean_bytes"], 41);
  EXPECT_EQ(summary["memory_manager"]["by_cleanup"]["prefetch"]["freed_bytes"], 300);
  EXPECT_EQ(summary["changes"], nlohmann::json(record.changes));
}

TEST(SummaryTest, AResumedRunWithoutMoreStepsSumsUpTheWholeRun) {
  const std::string run = FreshFolder();
  auto metrics = MakeMetricsWriter(run, 0);
  for (int64_t step = 1; step <= 5; ++step) ASSERT_TRUE((*metrics)->OnStep(Step(step), {}).ok());
  EvaluationRecord evaluation{.step = 5, .epoch = 1, .metrics = {}, .seconds = 2.0};
  evaluation.metrics = {.values = {{"top1", 0.5}, {"clip_loss", 2.0}}, .videos = 3, .clips = 6};
  ASSERT_TRUE((*metrics)->OnEvaluation(evaluation).ok());
  ASSERT_TRUE((*metrics)->Flush().ok());
  RunRecord record;
  auto resumed = MakeSummaryWriter(run, ReadHistory(run));
  ASSERT_TRUE(resumed->OnEnd(record).ok());
  std::ifstream file(run + "/summary.json");
  const auto summary = nlohmann::json::parse(file);
  EXPECT_EQ(summary["step_ms"], 43.0);
  EXPECT_NEAR(summary["samples_per_second"], 8e3 / 43.0, 1e-9);
  EXPECT_EQ(summary["metrics"]["top1"], 0.5);
  EXPECT_EQ(summary["metrics"]["videos"], 3);
  EXPECT_EQ(summary["metrics"].size(), 4u) << summary["metrics"];
}

TEST(SummaryTest, APathThatIsNotUtf8KeepsItsBytes) {
  RunRecord record;
  record.changes = {"step 2: data.train: caf\xe9 -> other"};  // Latin-1
  const auto summary = nlohmann::json::parse(SummaryJson(record, {}));
  EXPECT_EQ(summary["changes"][0], "step 2: data.train: caf\xee\xbf\xa9 -> other");
}

TEST(HistoryTest, IsEmptyIfThereIsNoFile) {
  const RunHistory history = ReadHistory(FreshFolder());
  EXPECT_TRUE(history.steps.empty());
  EXPECT_FALSE(history.evaluation.has_value());
}

TEST(SummaryTest, MedianOfEvenCountsIsTheMiddlePairsMean) {
  EXPECT_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({}), 0);
}

TEST(ProgressTest, LineNamesStepLossSpeedTimeLeftAndMemoryAgainstTheBudget) {
  const MemoryRecord memory{.live_bytes = 300 << 20,
                            .peak_bytes = 400 << 20,
                            .reserved_bytes = 0,
                            .host_bytes = 0,
                            .loader_bytes = 0,
                            .budget_bytes = 512 << 20,
                            .live_by_tag = {},
                            .peak_by_tag = {},
                            .peak_by_phase = {}};
  EXPECT_EQ(FormatProgress(Step(2), memory, 52.14, 80, 200),
            "step 2/200  epoch 0  loss 0.5000  lr 1.00e-03  52.1 samples/s  1m20s left  "
            "memory 300 MiB now, 400 MiB peak of 512 MiB");
  EvaluationRecord evaluation{.step = 40, .epoch = 1, .metrics = {}, .seconds = 3.0};
  MemoryRecord tagged = Tagged();
  EXPECT_EQ(FormatProgress(Step(2), tagged, 52.14, 80, 200),
            "step 2/200  epoch 0  loss 0.5000  lr 1.00e-03  52.1 samples/s  1m20s left  "
            "memory 0 MiB now, 0 MiB peak of 0 MiB: input 29%, activations 24%, optimizer 19%");
  tagged.peak_by_tag = {0, 995, 5, 0, 0, 0};  // a share below 1 % is not shown
  EXPECT_THAT(FormatProgress(Step(2), tagged, 52.14, 80, 200), EndsWith(": parameters 100%"));
  evaluation.metrics = {.values = {{"top1", 0.8}, {"clip_top1", 0.7}}, .videos = 24, .clips = 48};
  EXPECT_EQ(FormatEvaluation(evaluation),
            "evaluation at step 40:  top1 0.8000  (24 videos, 48 clips, 3s)");
  EXPECT_EQ(FormatDuration(7500), "2h05m");
  EXPECT_EQ(FormatDuration(7.6), "8s");
}

}  // namespace
}  // namespace slimreel
