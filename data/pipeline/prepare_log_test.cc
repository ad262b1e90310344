#include "data/pipeline/prepare_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

LoggedVideo Video(const std::string& path, int64_t frames = 7) {
  LoggedVideo video;
  video.path = path;
  video.recipe = 0xfedcba9876543210;
  video.stat = {100, -5, 6};
  video.digest = 0x8000000000000001;
  video.outcome.frames = frames;
  return video;
}

class PrepareLogTest : public testing::Test {
 protected:
  void SetUp() override { path_ = TestFolder("log") + "/.prepare-train.jsonl"; }

  void Add(const std::vector<LoggedVideo>& videos) const {
    auto log = PrepareLog::Open(path_);
    ASSERT_TRUE(log.ok()) << log.status();
    for (const LoggedVideo& video : videos) ASSERT_TRUE((*log)->Add(video).ok());
  }
  std::vector<LoggedVideo> Read() const {
    std::vector<LoggedVideo> videos;
    ReadPrepareLog(path_, [&](LoggedVideo video) { videos.push_back(std::move(video)); });
    return videos;
  }
  std::vector<std::string> ReadPaths() const {
    std::vector<std::string> paths;
    for (const LoggedVideo& video : Read()) paths.push_back(video.path);
    return paths;
  }

  std::string path_;
};

TEST_F(PrepareLogTest, EveryFieldIsReadBack) {
  LoggedVideo video = Video("a/b.mp4");
  video.keypoint_stat = {9, 8, 7};
  video.keypoint_digest = 3;
  video.outcome = {"partial", "truncated", "the file \xff is cut off", 1, 2, 3, 4, 0.5};
  Add({video});
  ASSERT_EQ(Read().size(), 1u);
  const LoggedVideo read = Read()[0];
  EXPECT_EQ(read.path, video.path);
  EXPECT_EQ(read.recipe, video.recipe);
  EXPECT_EQ(read.stat, video.stat);
  EXPECT_EQ(read.digest, video.digest);
  EXPECT_EQ(read.keypoint_stat, video.keypoint_stat);
  EXPECT_EQ(read.keypoint_digest, video.keypoint_digest);
  EXPECT_EQ(read.outcome.status, "partial");
  EXPECT_EQ(read.outcome.reason, "truncated");
  EXPECT_EQ(read.outcome.message, video.outcome.message);
  EXPECT_EQ(read.outcome.frames, 1);
  EXPECT_EQ(read.outcome.frames_decoded, 2);
  EXPECT_EQ(read.outcome.left_out_frames, 3);
  EXPECT_EQ(read.outcome.chunks, 4);
  EXPECT_EQ(read.outcome.seconds, 0.5);
}

TEST_F(PrepareLogTest, PathsThatAreNotUtf8StayDistinct) {
  const std::vector<std::string> paths = {"caf\xe9.mp4", "caf\xc3\xa9.mp4", "caf\xef\xbf\xbd.mp4",
                                          "line\nend \"quoted\".mp4"};
  for (const std::string& path : paths) Add({Video(path)});
  EXPECT_EQ(ReadPaths(), paths);
}

TEST_F(PrepareLogTest, LinesAreReadOldestFirst) {
  Add({Video("a", 1), Video("b", 2)});
  Add({Video("a", 3)});
  ASSERT_EQ(ReadPaths(), (std::vector<std::string>{"a", "b", "a"}));
  EXPECT_EQ(Read()[2].outcome.frames, 3);
}

// A kill may cut the last line anywhere: the reader skips it, and the next line is whole.
TEST_F(PrepareLogTest, ACutLineIsSkippedAndTheNextLineIsWhole) {
  const std::string last = LogLine(Video("caf\xe9", 2));
  for (size_t kept = 0; kept + 1 < last.size(); ++kept) {
    WriteTestFile(path_, LogLine(Video("a")) + last.substr(0, kept));
    Add({Video("c")});
    ASSERT_EQ(ReadPaths(), (std::vector<std::string>{"a", "c"})) << kept;
  }
}

TEST_F(PrepareLogTest, WhatCannotBeReadIsSkipped) {
  EXPECT_TRUE(Read().empty()) << "no file";
  std::filesystem::create_directory(path_);
  EXPECT_TRUE(Read().empty()) << "a folder";
  std::filesystem::remove(path_);
  std::string wrong_type = LogLine(Video("a"));
  wrong_type.replace(wrong_type.find("\"frames\":7"), 10, "\"frames\":\"7\"");
  WriteTestFile(path_, "\n[]\nnull\ntext\n" + wrong_type + LogLine(Video("b")));
  EXPECT_EQ(ReadPaths(), std::vector<std::string>{"b"});
}

TEST_F(PrepareLogTest, ALogOfFormat1IsIgnored) {
  WriteTestFile(path_,
                R"({"fingerprint":"fc7278f48d8962ad"}
{"input":{"chunks":2,"frames":6,"frames_decoded":6,"key":"a","keypoint_bytes":-1,"keypoint_mtime_ns":0,"label":0,"message":"","mtime_ns":1795826087438808462,"path":"in/a.mp4","reason":"","seconds":0.02,"size_bytes":2407,"status":"ok"}}
{"shard":{"bytes":22528,"closed_by_end":true,"file":"train-000000.tar","frames":12,"keys":["a-00000"]}}
{"complete":true}
)");
  EXPECT_TRUE(Read().empty());
  Add({Video("b")});
  EXPECT_EQ(ReadPaths(), std::vector<std::string>{"b"});
}

TEST_F(PrepareLogTest, AMissingFolderIsAnErrorWithThePath) {
  const auto log = PrepareLog::Open(path_ + "/below/log");
  EXPECT_FALSE(log.ok());
  EXPECT_NE(log.status().message().find(path_), absl::string_view::npos) << log.status();
}

}  // namespace
}  // namespace slimreel
