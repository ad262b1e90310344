#include "data/pipeline/prepare_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/byte_text.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

VideoOutcome Outcome(const std::string& status) {
  VideoOutcome outcome;
  outcome.status = status;
  outcome.frames = 7;
  outcome.seconds = 1.23456;
  return outcome;
}

class PrepareReportTest : public testing::Test {
 protected:
  void SetUp() override { path_ = TestFolder("report") + "/report.jsonl"; }

  std::vector<nlohmann::json> Written(const std::vector<ReportLine>& lines) const {
    auto report = ReportWriter::Create(path_);
    EXPECT_TRUE(report.ok()) << report.status();
    for (const ReportLine& line : lines) EXPECT_TRUE(report->Add(line).ok());
    EXPECT_TRUE(report->Commit().ok());
    std::vector<nlohmann::json> written;
    std::istringstream text(ReadTestFile(path_));
    for (std::string line; std::getline(text, line);) {
      written.push_back(nlohmann::json::parse(line));
    }
    return written;
  }

  std::string path_;
};

TEST_F(PrepareReportTest, ADecodedVideoHasItsStatusReasonAndSeconds) {
  const std::string a = "a.mp4", b = "b.mp4";
  VideoOutcome partial = Outcome("partial");
  partial.reason = "truncated";
  partial.message = "the file is cut off";
  partial.left_out_frames = 4;
  const VideoOutcome ok = Outcome("ok");
  const auto written = Written({{a, partial, 3}, {b, ok}});
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0]["path"], a);
  EXPECT_EQ(written[0]["status"], "partial");
  EXPECT_EQ(written[0]["reason"], "truncated");
  EXPECT_EQ(written[0]["message"], "the file is cut off");
  EXPECT_EQ(written[0]["frames"], 7);
  EXPECT_EQ(written[0]["left_out_frames"], 4);
  EXPECT_EQ(written[0]["seconds"], 1.235);
  EXPECT_EQ(written[0]["label"], 3);
  for (const char* absent : {"reason", "message", "left_out_frames", "label", "was"}) {
    EXPECT_FALSE(written[1].contains(absent)) << absent;
  }
}

TEST_F(PrepareReportTest, AnEarlierOutcomeIsMarkedAndTookNoTime) {
  const std::string a = "a.mp4", b = "b.mp4";
  const VideoOutcome partial = Outcome("partial"), ok = Outcome("ok");
  const auto written = Written({{a, partial, -1, true, false}, {b, ok, -1, false, true}});
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0]["status"], "unchanged");
  EXPECT_EQ(written[0]["was"], "partial");
  EXPECT_EQ(written[1]["status"], "removed");
  EXPECT_EQ(written[1]["was"], "ok");
  for (const nlohmann::json& line : written) EXPECT_EQ(line["seconds"], 0);
}

TEST_F(PrepareReportTest, NamesThatAreNotUtf8CanBeReadBackFromTheJson) {
  const std::string path = "caf\xe9.mp4", other = "caf\xc3\xa9.mp4";
  VideoOutcome outcome = Outcome("rejected");
  outcome.message = path + " is no video";
  const auto written = Written({{path, outcome}, {other, outcome}});
  EXPECT_EQ(BytesOfText(written[0]["path"].get<std::string>()), path);
  EXPECT_EQ(BytesOfText(written[0]["message"].get<std::string>()), path + " is no video");
  EXPECT_EQ(written[1]["path"], other);
}

TEST_F(PrepareReportTest, ALongReportAppearsOnlyWhenItIsComplete) {
  const std::string path(1000, 'p');
  const VideoOutcome ok = Outcome("ok");
  WriteTestFile(path_, "earlier");
  auto report = ReportWriter::Create(path_);
  ASSERT_TRUE(report.ok()) << report.status();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(report->Add({path, ok}).ok());
  EXPECT_EQ(ReadTestFile(path_), "earlier");
  ASSERT_TRUE(report->Commit().ok());
  const std::string text = ReadTestFile(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 500);
  EXPECT_EQ(text.substr(0, text.find('\n') + 1),
            text.substr(text.rfind("\n", text.size() - 2) + 1));
}

}  // namespace
}  // namespace slimreel
