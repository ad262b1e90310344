#include "data/pipeline/run_state.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

InputRecord Video(const std::string& name, int64_t chunks) {
  InputRecord input;
  input.path = "in/" + name + ".mp4";
  input.key = name;
  input.label = 2;
  input.size_bytes = 1234;
  input.mtime_ns = 5678901234567;
  input.keypoint_bytes = 99;
  input.keypoint_mtime_ns = 1234567890123;
  input.outcome = {"partial", "truncated", "cut \"short\"\n", 30, 33, chunks, 0.25};
  return input;
}

RunState SomeState() {
  RunState state;
  state.fingerprint = "f00d";
  state.finished = {Video("a", 2), Video("b", 1)};
  ShardRecord full{"train-000000.tar", 4096, 20, {"a-00000", "a-00001"}, false, Video("b", 0)};
  ShardRecord last{"train-000001.tar", 2048, 10, {"b-00000"}, true, std::nullopt};
  state.shards = {full, last};
  return state;
}

void ExpectSame(const InputRecord& a, const InputRecord& b) {
  EXPECT_TRUE(a.SameSamples(b)) << a.path;
  EXPECT_EQ(a.outcome.status, b.outcome.status);
  EXPECT_EQ(a.outcome.reason, b.outcome.reason);
  EXPECT_EQ(a.outcome.message, b.outcome.message);
  EXPECT_EQ(a.outcome.frames, b.outcome.frames);
  EXPECT_EQ(a.outcome.frames_decoded, b.outcome.frames_decoded);
  EXPECT_EQ(a.outcome.chunks, b.outcome.chunks);
  EXPECT_EQ(a.outcome.seconds, b.outcome.seconds);
}

// `a` is `b`, or what had been written of it at some moment.
void ExpectBeginningOf(const RunState& a, const RunState& b) {
  ASSERT_LE(a.finished.size(), b.finished.size());
  ASSERT_LE(a.shards.size(), b.shards.size());
  for (size_t i = 0; i < a.finished.size(); ++i) ExpectSame(a.finished[i], b.finished[i]);
  for (size_t i = 0; i < a.shards.size(); ++i) {
    EXPECT_EQ(a.shards[i].file, b.shards[i].file);
    EXPECT_EQ(a.shards[i].bytes, b.shards[i].bytes);
    EXPECT_EQ(a.shards[i].frames, b.shards[i].frames);
    EXPECT_EQ(a.shards[i].keys, b.shards[i].keys);
    EXPECT_EQ(a.shards[i].closed_by_end, b.shards[i].closed_by_end);
    ASSERT_EQ(a.shards[i].open_input.has_value(), b.shards[i].open_input.has_value());
    if (a.shards[i].open_input) ExpectSame(*a.shards[i].open_input, *b.shards[i].open_input);
  }
}

// Written in both ways: half by Start, half by Add.
std::string WriteLog(bool complete) {
  const std::string path = TestFolder("log") + "/state.jsonl";
  const RunState state = SomeState();
  RunState begun = state;
  begun.finished.pop_back();
  begun.shards.pop_back();
  const auto log = RunLog::Start(path, begun);
  EXPECT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE((*log)->Add(state.finished[1]).ok());
  EXPECT_TRUE((*log)->Add(state.shards[1]).ok());
  EXPECT_TRUE(!complete || (*log)->Complete().ok());
  return path;
}

TEST(RunStateTest, WhatWasLoggedIsReadBack) {
  const RunState read = LoadRunState(WriteLog(/*complete=*/true));
  EXPECT_EQ(read.fingerprint, "f00d");
  EXPECT_TRUE(read.complete);
  EXPECT_EQ(read.finished.size(), 2u);
  EXPECT_EQ(read.shards.size(), 2u);
  ExpectBeginningOf(read, SomeState());
  EXPECT_FALSE(LoadRunState(WriteLog(/*complete=*/false)).complete);
}

TEST(RunStateTest, ALogCutAtAnyByteHoldsTheLinesBeforeAndIsNotComplete) {
  const std::string path = WriteLog(/*complete=*/true);
  const std::string whole = ReadTestFile(path);
  size_t most = 0;
  for (size_t bytes = 0; bytes + 2 < whole.size(); ++bytes) {
    WriteTestFile(path, whole.substr(0, bytes));
    const RunState read = LoadRunState(path);
    EXPECT_FALSE(read.complete) << bytes;
    ExpectBeginningOf(read, SomeState());
    const size_t entries = read.finished.size() + read.shards.size();
    EXPECT_GE(entries, most) << bytes;
    most = std::max(most, entries);
  }
  EXPECT_EQ(most, 4u);
}

TEST(RunStateTest, ALineOfAnotherShapeEndsTheReading) {
  const std::string path = WriteLog(/*complete=*/true);
  const std::string whole = ReadTestFile(path);
  const size_t second = whole.find('\n') + 1;
  for (const char* line : {"[1]\n", "{\"input\":{\"path\":5}}\n", "{\"shard\":{}}\n",
                           "{\"complete\":\"yes\"}\n", "{\"input\": 3}\n"}) {
    WriteTestFile(path, whole.substr(0, second) + line + whole.substr(second));
    const RunState read = LoadRunState(path);
    EXPECT_EQ(read.fingerprint, "f00d") << line;
    EXPECT_TRUE(read.finished.empty() && read.shards.empty() && !read.complete) << line;
  }
}

TEST(RunStateTest, NoLogIsNoState) {
  EXPECT_EQ(LoadRunState(TestFolder("log") + "/absent").fingerprint, "");
}

TEST(RunStateTest, StartingReplacesALog) {
  const std::string path = WriteLog(/*complete=*/true);
  RunState fresh;
  fresh.fingerprint = "other";
  ASSERT_TRUE(RunLog::Start(path, fresh).ok());
  const RunState read = LoadRunState(path);
  EXPECT_EQ(read.fingerprint, "other");
  EXPECT_TRUE(read.finished.empty() && read.shards.empty() && !read.complete);
}

TEST(RunStateTest, PathsOfAnyBytesAreLoggedAndGoodLinesBehindThemRead) {
  const std::string path = TestFolder("log") + "/state.jsonl";
  {
    const auto log = RunLog::Start(path, RunState());
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Add(Video("latin-\xe9", 1)).ok());
    ASSERT_TRUE((*log)->Add(Video("plain", 1)).ok());
  }
  const RunState read = LoadRunState(path);
  ASSERT_EQ(read.finished.size(), 2u);
  // Another name, so this video is decoded again: slow, and never wrong.
  EXPECT_FALSE(read.finished[0].SameFile(Video("latin-\xe9", 1)));
  EXPECT_TRUE(read.finished[1].SameSamples(Video("plain", 1)));
}

TEST(RunStateTest, SizeTimePathKeyAndLabelMakeTheSameSamples) {
  const InputRecord a = Video("a", 1);
  InputRecord b = a;
  EXPECT_TRUE(b.SameSamples(a));
  b.mtime_ns += 1;
  EXPECT_FALSE(b.SameFile(a));
  b = a;
  b.size_bytes += 1;
  EXPECT_FALSE(b.SameFile(a));
  b = a;
  b.keypoint_mtime_ns += 1;
  EXPECT_FALSE(b.SameFile(a));
  b = a;
  b.label = 0;
  EXPECT_TRUE(b.SameFile(a));
  EXPECT_FALSE(b.SameSamples(a));
  b = a;
  b.key = "a_1";
  EXPECT_FALSE(b.SameSamples(a));
}

}  // namespace
}  // namespace slimreel
