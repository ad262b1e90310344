#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "trainer/report/html.h"
#include "trainer/report/report_page.h"
#include "trainer/report/report_writer.h"
#include "trainer/report/run_files.h"
#include "trainer/report/step_trace.h"
#include "trainer/report/thin_out.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

std::string FreshFolder() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string folder = absl::StrCat(::testing::TempDir(), "/", info->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string Page(const std::string& folder) { return ReportPage(ReadRunFiles(folder)); }

// The text between the first `before` and the next `after`.
std::string Between(const std::string& text, const std::string& before, const std::string& after) {
  const size_t begin = text.find(before);
  if (begin == std::string::npos) return "";
  const size_t from = begin + before.size();
  return text.substr(from, text.find(after, from) - from);
}

StepTrace SmallTrace() {
  StepTrace trace;
  trace.step = 1;
  trace.device = "cpu";
  trace.tags = {"parameters", "activations"};
  trace.operations = {{.op = "F_keep",
                       .stage = "stem",
                       .begin_us = 10.0,
                       .end_us = 30.5,
                       .begin_bytes = 100,
                       .end_bytes = 180,
                       .peak_bytes = 420},
                      {.op = "B",
                       .stage = "stem",
                       .begin_us = 31.0,
                       .end_us = 40.0,
                       .begin_bytes = 180,
                       .end_bytes = 100,
                       .peak_bytes = 200}};
  trace.point_us = {0.0, 12.0, 30.0};
  trace.point_bytes = {100, 0, 100, 320, 100, 80};
  trace.end_us = 40.0;
  return trace;
}

TEST(ThinOutTest, LowestHighestAndBothEndsStay) {
  std::vector<double> values(100000);
  for (size_t n = 0; n < values.size(); ++n) values[n] = std::sin(0.37 * n);
  values[54321] = 7.0;
  values[77777] = -7.0;
  const std::vector<size_t> kept = ThinOut(values, 600);
  EXPECT_LE(kept.size(), 600u);
  EXPECT_GT(kept.size(), 300u);
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
  EXPECT_EQ(std::adjacent_find(kept.begin(), kept.end()), kept.end()) << "no index twice";
  for (size_t n : {size_t{0}, size_t{54321}, size_t{77777}, values.size() - 1}) {
    EXPECT_TRUE(std::binary_search(kept.begin(), kept.end(), n)) << n;
  }
}

TEST(ThinOutTest, NoNumberIsNeitherLowestNorHighest) {
  std::vector<double> values(1000, std::nan(""));
  values[5] = 1.0;
  const std::vector<size_t> kept = ThinOut(values, 10);
  EXPECT_TRUE(std::binary_search(kept.begin(), kept.end(), size_t{5}));
  EXPECT_LE(kept.size(), 10u);
}

TEST(HtmlTest, NoTextBecomesATag) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\" b='y'>&\n\x01"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;  ");
}

TEST(StepTraceTest, WhatIsWrittenIsReadBack) {
  const StepTrace trace = SmallTrace();
  const auto read = ParseStepTrace(StepTraceToJson(trace));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step, 1);
  EXPECT_EQ(read->tags, trace.tags);
  EXPECT_EQ(read->point_us, trace.point_us);
  EXPECT_EQ(read->point_bytes, trace.point_bytes);
  EXPECT_EQ(read->PeakBytes(), 420);
  ASSERT_EQ(read->operations.size(), 2u);
  EXPECT_EQ(OperationName(read->operations[0]), "F_keep(stem)");
  EXPECT_DOUBLE_EQ(read->operations[0].end_us, 30.5);
  EXPECT_EQ(read->operations[0].peak_bytes, 420);
}

// The format: https://perfetto.dev reads {"traceEvents": [...]} with X, C, i and M events.
TEST(StepTraceTest, ViewersFindOperationsAndCounters) {
  StepTrace trace = SmallTrace();
  trace.allocations = {{.at_us = 12.0, .bytes = 320, .block = 64, .tag = 1, .operation = 0},
                       {.at_us = 30.0, .bytes = -240, .block = 64, .tag = 1, .operation = 0}};
  const Json json = Json::parse(StepTraceToJson(trace));
  int operations = 0, points = 0, allocations = 0;
  for (const Json& event : json["traceEvents"]) {
    if (event["ph"] == "X") {
      ++operations;
      EXPECT_GT(event["dur"].get<double>(), 0.0);
      EXPECT_TRUE(event.contains("ts") && event.contains("pid") && event.contains("tid"));
    }
    if (event["ph"] == "C") {
      ++points;
      EXPECT_EQ(event["name"], "live bytes");
      EXPECT_EQ(event["args"]["parameters"], 100);
    }
    if (event["ph"] == "i") {
      ++allocations;
      EXPECT_EQ(event["args"]["tag"], "activations");
      EXPECT_EQ(event["args"]["operation"], "F_keep(stem)");
    }
  }
  EXPECT_EQ(operations, 2);
  EXPECT_EQ(points, 3);
  EXPECT_EQ(allocations, 2);
  EXPECT_EQ(json["otherData"]["peak_bytes"], 420);
}

TEST(StepTraceTest, AnotherFileIsNoTrace) {
  for (const char* text : {"", "[]", "{}", "{\"traceEvents\":[]}", "{\"otherData\":3}"}) {
    EXPECT_EQ(ParseStepTrace(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(ReportPageTest, AnEmptyFolderGivesAPageThatSaysWhatIsMissing) {
  const std::string page = Page(FreshFolder());
  for (const char* words : {"plan.json is missing", "summary.json is missing",
                            "metrics.jsonl holds no step", "No step of this run was recorded"}) {
    EXPECT_TRUE(absl::StrContains(page, words)) << words;
  }
  EXPECT_FALSE(absl::StrContains(page, "NaN"));
}

TEST(ReportPageTest, TheCurveOfTheStepReachesItsPeak) {
  const std::string folder = FreshFolder();
  ASSERT_TRUE(WriteStepTrace(SmallTrace(), folder).ok());
  const std::string page = Page(folder);
  const std::string figure = Between(page, "<figure id=\"step-memory\"", "</figure>");
  EXPECT_EQ(Between(figure, "data-top=\"", "\""), "420");
  EXPECT_TRUE(absl::StrContains(page, "data-key=\"step.peak_bytes\">420 B</data>"));
}

TEST(ReportPageTest, NumbersAreThoseOfTheSummary) {
  const std::string folder = FreshFolder();
  Write(folder + "/summary.json",
        R"({"peak_bytes":{"device":12345678,"host":9},"step_ms":41.25,"budget_bytes":20000000,
            "metrics":{"top1":0.8125},"oom_retries":3,"finished":true})");
  const std::string page = Page(folder);
  for (const char* element :
       {"<data value=\"12345678\" data-key=\"peak_bytes.device\">11.77 MiB</data>",
        "<data value=\"41.25\" data-key=\"step_ms\">41.2 ms</data>",
        "<data value=\"3\" data-key=\"oom_retries\">3</data>",
        "<data value=\"0.8125\" data-key=\"metrics.top1\">0.8125</data>", "61.7 % of the budget"}) {
    EXPECT_TRUE(absl::StrContains(page, element)) << element;
  }
}

TEST(ReportPageTest, NamesOfUsersStayText) {
  const std::string folder = FreshFolder() + "/<img src=x>";
  fs::create_directories(folder);
  const std::string evil = "<script>alert(1)</script>";
  Write(folder + "/config.yaml", "model:\n  name: \"" + evil + "\"\n");
  Write(folder + "/plan.json", Json({{"schedule", evil},
                                     {evil, evil},
                                     {"operations", {{{"op", evil}, {"stage", evil}}}},
                                     {"bytes", {{evil, 5}}},
                                     {"ceiling", {{"bytes", 5}, {"origin", evil}}},
                                     {"alternatives", {{{evil, evil}}}}})
                                   .dump());
  Write(folder + "/summary.json",
        Json({{evil, evil},
              {"metrics", {{evil, 0.5}}},
              {"phases", {{evil, {{"peak_bytes", 9}, {"by_tag", {{evil, 9}}}}}}},
              {"changes", {"step 3: " + evil}},
              {"stopped_by", evil}})
            .dump());
  Write(folder + "/metrics.jsonl",
        Json({{"step", 1}, {"val_seconds", 1.0}, {"val_" + evil, 0.5}}).dump() + "\n");
  Write(folder + "/memory.jsonl",
        Json({{"step", 1}, {"by_tag", {{"live", {{evil, 7}}}}}}).dump() + "\n");
  StepTrace trace = SmallTrace();
  trace.tags[0] = trace.operations[0].stage = trace.operations[1].op = evil;
  ASSERT_TRUE(WriteStepTrace(trace, folder).ok());
  const std::string page = Page(folder);
  EXPECT_FALSE(absl::StrContains(page, "<script"));
  EXPECT_FALSE(absl::StrContains(page, "<img"));
  EXPECT_TRUE(absl::StrContains(page, "&lt;script&gt;"));
}

TEST(ReportPageTest, NothingIsLoadedFromElsewhere) {
  const std::string folder = FreshFolder();
  ASSERT_TRUE(WriteStepTrace(SmallTrace(), folder).ok());
  const std::string page = Page(folder);
  for (const char* word : {"http:", "https:", "src=", "url(", "@import"}) {
    EXPECT_FALSE(absl::StrContains(page, word)) << word;
  }
}

void WriteLongRun(const std::string& folder, int64_t steps) {
  std::ofstream metrics(folder + "/metrics.jsonl");
  std::ofstream memory(folder + "/memory.jsonl");
  for (int64_t step = 1; step <= steps; ++step) {
    metrics << R"({"step":)" << step << R"(,"loss":)" << 1.0 / step
            << R"(,"lr":0.1,"step_ms":3,"samples_per_second":9,"micro_batch":)" << 1 + step % 2
            << "}\n";
    memory << R"({"step":)" << step << R"(,"live_bytes":)" << step % 977 << R"(,"peak_bytes":5000})"
           << "\n";
    if (step % 10 == 0) {
      metrics << R"({"step":)" << step << R"(,"val_seconds":1.0,"val_top1":0.5})"
              << "\n";
    }
  }
}

TEST(ReportPageTest, ALongRunGivesAPageOfBoundedSizeThatSaysSo) {
  const std::string folder = FreshFolder();
  WriteLongRun(folder, 20000);
  const std::string page = Page(folder);
  WriteLongRun(folder, 100000);
  const std::string longer = Page(folder);
  EXPECT_LT(longer.size(), page.size() + page.size() / 20);
  EXPECT_LT(longer.size(), 300000u);
  EXPECT_TRUE(absl::StrContains(longer, "600 of 100000 steps"));
  EXPECT_TRUE(absl::StrContains(longer, "of 100000 readings"));
}

TEST(ReportPageTest, LinesThatAreDamagedAreCounted) {
  const std::string folder = FreshFolder();
  Write(folder + "/metrics.jsonl", "{\"step\":1,\"loss\":null}\n{\"step\n[]\n");
  const std::string page = Page(folder);
  EXPECT_TRUE(absl::StrContains(page, "2 lines of metrics.jsonl"));
  EXPECT_TRUE(absl::StrContains(page, "the loss is not finite"));
}

TEST(ReportWriterTest, TheEndOfARunWritesThePage) {
  const std::string folder = FreshFolder();
  ASSERT_TRUE(MakeReportWriter(folder)->OnEnd({}).ok());
  EXPECT_TRUE(fs::exists(folder + "/report.html"));
  EXPECT_TRUE(MakeReportWriter(folder + "/none")->OnEnd({}).ok()) << "no reason to fail a run";
}

}  // namespace
}  // namespace slimreel
