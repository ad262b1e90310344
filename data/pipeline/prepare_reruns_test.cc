#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/npy.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

using PrepareRerunsTest = PrepareTest;

TEST_F(PrepareRerunsTest, ASecondPreparationDoesNothing) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const auto before = fs::last_write_time(root_ + "/out/train-000000.tar");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"unchanged", 5}}));
  EXPECT_EQ(summary->samples, 15);
  EXPECT_EQ(fs::last_write_time(root_ + "/out/train-000000.tar"), before);
}

TEST_F(PrepareRerunsTest, OnlyChangedVideosAreDecodedAndTheBytesAreThoseOfAFreshPreparation) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  MakeClip("left/b", 33);  // changed
  MakeClip("down/z", 12);  // new, and a new class moves the labels
  fs::remove(root_ + "/in/right/a.mp4");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 2}, {"unchanged", 3}}));
  EXPECT_EQ(summary->removed, 1);
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ExpectSame("out", "fresh");
  EXPECT_FALSE(fs::exists(root_ + "/out/.next-train"));
}

TEST_F(PrepareRerunsTest, VideosThatAreNoLongerInTheInputAreReportedAsRemoved) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/in/right"};
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->removed, 3);
  EXPECT_EQ(summary->samples, 6);
  const auto report = Report("out");
  ASSERT_EQ(report.size(), 5u);
  EXPECT_EQ(report[1]["status"], "unchanged");
  EXPECT_EQ(report[2]["path"], root_ + "/in/left/a.mp4");
  EXPECT_EQ(report[2]["status"], "removed");
  EXPECT_EQ(report[2]["was"], "ok");
  const auto again = Prepare(options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->removed, 0);
}

TEST_F(PrepareRerunsTest, RemovedVideosAreReportedAfterAStopAndWithOtherOptions) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/in/right"};
  options.interrupted = [] { return true; };
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kStopped);
  options.interrupted = nullptr;
  auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->removed, 3);
  options.inputs = {root_ + "/in/left"};
  options.data.max_video_frames = 20;
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->removed, 2);
}

TEST_F(PrepareRerunsTest, VideosOfAnotherPartAreNotRemoved) {
  PrepareOptions options = Options("out");
  options.part = 1;
  options.num_parts = 2;
  ASSERT_TRUE(Prepare(options).ok());
  MakeClip("down/z", 12);
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->removed, 0);
}

TEST_F(PrepareRerunsTest, OtherOptionsDecodeEverythingAgain) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("out");
  options.data.max_video_frames = 20;
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos.at("ok"), 5);
  options.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(options).ok());
  ExpectSame("out", "fresh");
}

// Kills at several steps, of a first preparation and of one that replaces shards.
TEST_F(PrepareRerunsTest, AKillAtAnyStepLeavesWholeShardsAndTheNextPreparationContinues) {
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  for (int step = 1; step < 20; step += 2) {
    if (step == 11) {
      MakeClip("left/b", 33);
      fs::remove_all(root_ + "/fresh");
      ASSERT_TRUE(Prepare(Options("fresh")).ok());
    }
    const pid_t child = fork();
    if (child == 0) {
      PrepareOptions options = Options("out");
      int steps = 0;
      options.on_progress = [&](const PrepareProgress&) {
        if (++steps == step) kill(getpid(), SIGKILL);
      };
      _exit(Prepare(options).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_NO_FATAL_FAILURE(ExpectNothingHalfWritten("out", /*died=*/true));
  }
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  ExpectSame("out", "fresh");
}

TEST_F(PrepareRerunsTest, AnInterruptionEndsWithStoppedAndTheNextPreparationContinues) {
  std::atomic<int> chunks{0};
  PrepareOptions options = Options("out");
  options.on_progress = [&](const PrepareProgress&) { ++chunks; };
  options.interrupted = [&] { return chunks > 9; };
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kStopped);
  ASSERT_TRUE(Prepare(Options("out")).ok());
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ExpectSame("out", "fresh");
}

}  // namespace
}  // namespace slimreel
