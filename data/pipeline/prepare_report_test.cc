#include "data/pipeline/prepare_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

ReportLine LineOf(const std::string& path, const std::string& status) {
  ReportLine line;
  line.input.path = path;
  line.input.outcome.status = status;
  line.input.outcome.frames = 7;
  line.input.outcome.seconds = 1.23456;
  return line;
}

std::vector<nlohmann::json> Written(const std::vector<ReportLine>& lines) {
  const std::string path = TestFolder("report") + "/report.jsonl";
  EXPECT_TRUE(WriteReport(path, lines).ok());
  std::vector<nlohmann::json> written;
  std::istringstream text(ReadTestFile(path));
  for (std::string line; std::getline(text, line);) written.push_back(nlohmann::json::parse(line));
  return written;
}

TEST(PrepareReportTest, WhatWasDecodedNowHasItsStatusReasonAndSeconds) {
  ReportLine line = LineOf("a.mp4", "partial");
  line.input.outcome.reason = "truncated";
  line.input.outcome.message = "the file breaks off";
  line.input.label = 3;
  const auto written = Written({line, LineOf("b.mp4", "ok")});
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0]["status"], "partial");
  EXPECT_EQ(written[0]["reason"], "truncated");
  EXPECT_EQ(written[0]["message"], "the file breaks off");
  EXPECT_EQ(written[0]["seconds"], 1.235);
  EXPECT_EQ(written[0]["label"], 3);
  for (const char* absent : {"reason", "message", "label", "was"}) {
    EXPECT_FALSE(written[1].contains(absent)) << absent;
  }
}

TEST(PrepareReportTest, WhatAnEarlierRunSaidIsToldApartAndTookNoTime) {
  ReportLine unchanged = LineOf("a.mp4", "partial"), removed = LineOf("b.mp4", "ok");
  unchanged.unchanged = true;
  removed.removed = true;
  const auto written = Written({unchanged, removed});
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0]["status"], "unchanged");
  EXPECT_EQ(written[0]["was"], "partial");
  EXPECT_EQ(written[1]["status"], "removed");
  EXPECT_EQ(written[1]["was"], "ok");
  for (const nlohmann::json& line : written) EXPECT_EQ(line["seconds"], 0);
}

TEST(PrepareReportTest, NamesThatAreNoUtf8AreStillJson) {
  EXPECT_EQ(Written({LineOf("\xff.mp4", "ok")})[0]["path"], "\xEF\xBF\xBD.mp4");
}

}  // namespace
}  // namespace slimreel
