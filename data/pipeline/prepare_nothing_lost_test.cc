// Earlier results stay until their replacement is complete, and temporary failures are tried again.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "base/exit_code.h"
#include "base/temporary_folder.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

using Counts = std::map<std::string, int64_t>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // sanitizers map far more memory than they use
#else
constexpr bool kSanitized = false;
#endif

class PrepareNothingLostTest : public PrepareTest {
 protected:
  int64_t SamplesIn(const std::string& output) const {
    const auto shards = ShardDataset::Open(root_ + "/" + output, "train");
    EXPECT_TRUE(shards.ok()) << shards.status();
    return shards.ok() ? (*shards)->num_samples() : -1;
  }

  PrepareOptions ListOptions() const {
    std::string list;
    for (const char* name : {"left/a", "left/b", "left/c", "right/a", "right/b"}) {
      list += root_ + "/in/" + name + ".mp4 " + std::string(name).substr(0, 4) + "\n";
    }
    WriteTestFile(root_ + "/list.txt", list);
    PrepareOptions options = Options("out");
    options.inputs = {root_ + "/list.txt"};
    return options;
  }

  // The exit status of `body` in a process of its own.
  static int InChild(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    return WEXITSTATUS(status);
  }

  static int ExitOf(const PrepareOptions& options) {
    return static_cast<int>(ExitCodeOf(Prepare(options).status()));
  }
};

TEST_F(PrepareNothingLostTest, AnInputThatIsMissingAsAWholeIsAnErrorAndTheSplitStays) {
  const PrepareOptions listed = ListOptions();
  ASSERT_TRUE(Prepare(listed).ok());
  const auto before = Contents("out");
  fs::rename(root_ + "/in", root_ + "/away");
  EXPECT_EQ(ExitOf(listed), 3);
  EXPECT_TRUE(Contents("out") == before);
  fs::create_directories(root_ + "/in");  // a disk that is not mounted
  EXPECT_EQ(ExitOf(Options("out")), 3);
  EXPECT_TRUE(Contents("out") == before);
  fs::remove(root_ + "/in");
  fs::rename(root_ + "/away", root_ + "/in");
  const auto summary = Prepare(listed);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 5}}));
}

TEST_F(PrepareNothingLostTest, ListedVideosThatAreMissingKeepTheirSamples) {
  const PrepareOptions options = ListOptions();
  ASSERT_TRUE(Prepare(options).ok());
  fs::rename(root_ + "/in/left", root_ + "/in/hidden");
  auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->away, 3);
  EXPECT_EQ(summary->samples, 15);
  MakeClip("right/b", 33);  // samples are copied, not only left in place
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->samples, 16);
  fs::rename(root_ + "/in/hidden", root_ + "/in/left");
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 5}}));
  EXPECT_EQ(summary->away, 0);
}

TEST_F(PrepareNothingLostTest, OldShardsStayReadableUntilTheNewOnesAreComplete) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions other = Options("out");
  other.data.short_side = 48;
  for (const int steps : {0, 3, 9}) {
    std::atomic<int> calls{0};
    other.on_progress = [&](const PrepareProgress&) {
      if (++calls > 1) {
        EXPECT_EQ(SamplesIn("out"), 15);
      }
    };
    other.interrupted = [&] { return calls > steps; };
    EXPECT_EQ(ExitOf(other), 75);
    EXPECT_EQ(SamplesIn("out"), 15);
  }
  other.interrupted = nullptr;
  other.on_progress = nullptr;
  ASSERT_TRUE(Prepare(other).ok());
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->sample(0).height, 48);
  other.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(other).ok());
  ExpectSame("out", "fresh");
}

TEST_F(PrepareNothingLostTest, AnInputWithoutAUsableVideoRemovesNothing) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  WriteTestFile(root_ + "/bad/left/x.mp4", std::string(3000, 'x'));
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/bad"};
  EXPECT_EQ(ExitOf(options), 3);
  EXPECT_EQ(SamplesIn("out"), 15);
}

TEST_F(PrepareNothingLostTest, AnUnreadableFileIsTriedAgain) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user without permissions";
  // In /tmp, because other users may have no access to the folders of tests.
  const auto folder = TemporaryFolder::Create("");
  ASSERT_TRUE(folder.ok()) << folder.status();
  const std::string root = (*folder)->path();
  fs::permissions(root, fs::perms::all);
  fs::copy(root_ + "/in", root + "/in", fs::copy_options::recursive);
  fs::permissions(root + "/in/left/b.mp4", fs::perms::none);
  PrepareOptions options = Options("out");
  options.inputs = {root + "/in"};
  options.output = root + "/out";
  EXPECT_EQ(
      InChild([&] {
        if (seteuid(65534) != 0) return 99;
        const auto summary = Prepare(options);
        if (!summary.ok()) std::cerr << summary.status() << "\n";
        if (!summary.ok()) return 98;
        return summary->reasons == Counts{{"unreadable", 1}} && summary->samples == 12 ? 0 : 97;
      }),
      0);
  fs::permissions(root + "/in/left/b.mp4", fs::perms(0644));
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"ok", 1}, {"unchanged", 4}}));
  EXPECT_EQ(summary->samples, 15);
}

TEST_F(PrepareNothingLostTest, WithoutMemoryThePreparationStopsAndRejectsNoVideo) {
  if (kSanitized) GTEST_SKIP() << "address space cannot be limited under a sanitizer";
  int stopped = 0;
  for (const int megabytes : {60, 90, 120, 150, 200, 260}) {
    const int code = InChild([&] {
      rlimit limit{};
      limit.rlim_cur = limit.rlim_max = static_cast<rlim_t>(megabytes) << 20;
      if (setrlimit(RLIMIT_AS, &limit) != 0) return 99;
      const auto summary = Prepare(Options("out"));
      if (!summary.ok()) return static_cast<int>(ExitCodeOf(summary.status()));
      return summary->videos.count("rejected") + summary->videos.count("partial") > 0 ? 98 : 0;
    });
    EXPECT_TRUE(code == 0 || code == 1) << code << " under " << megabytes << " MB";
    stopped += code == 1 ? 1 : 0;
  }
  EXPECT_GT(stopped, 0);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->samples, 15);
  EXPECT_EQ(summary->videos.count("rejected"), 0u);
}

// The long first video lets the workers get far ahead of the writer.
TEST_F(PrepareNothingLostTest, FewDescriptorsAreEnoughEvenIfWorkersAreFarAhead) {
  fs::remove_all(root_ + "/in");
  MakeClip("left/a", 100);
  MakeClip("left/b", 12);
  for (int i = 0; i < 100; ++i) {
    fs::create_hard_link(root_ + "/in/left/b.mp4",
                         root_ + "/in/left/c" + std::to_string(i) + ".mp4");
  }
  PrepareOptions options = Options("out");
  options.num_workers = 4;
  options.memory_bytes = 64 << 10;  // every chunk goes to a file
  EXPECT_EQ(InChild([&] {
              rlimit limit{};
              limit.rlim_cur = limit.rlim_max = 70;
              if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 99;
              return ExitOf(options);
            }),
            0);
  EXPECT_EQ(SamplesIn("out"), 10 + 2 * 101);
}

TEST_F(PrepareNothingLostTest, AnotherMinChunkFramesDecodesOnlyVideosWhoseChunksItChanges) {
  MakeClip("left/a", 30);  // no rest
  MakeClip("left/b", 8);   // a video that is one short chunk
  PrepareOptions options = Options("out");
  options.data.min_chunk_frames = 6;
  auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->samples, 3 + 1 + 3 * 2);
  EXPECT_EQ(summary->left_out_frames, 3 * 5);
  EXPECT_EQ(summary->shortened_videos, 3);
  EXPECT_EQ(Report("out")[2]["left_out_frames"], 5);
  options.data.min_chunk_frames = 9;  // the same rests
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 5}}));
  options.data.min_chunk_frames = 5;
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"ok", 3}, {"unchanged", 2}}));
  EXPECT_EQ(summary->samples, 3 + 1 + 3 * 3);
  options.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(options).ok());
  ExpectSame("out", "fresh");
}

// One chunk per shard: with the higher bound, a kept full chunk may have become the last one.
TEST_F(PrepareNothingLostTest, AHigherMinChunkFramesGivesTheBytesOfAFreshPreparation) {
  PrepareOptions options = Options("out");
  options.data.shard_size = 65536;
  ASSERT_TRUE(Prepare(options).ok());
  options.data.min_chunk_frames = 6;
  ASSERT_TRUE(Prepare(options).ok());
  const auto again = Prepare(options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->videos, (Counts{{"unchanged", 5}}));
  options.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(options).ok());
  ExpectSame("out", "fresh");
}

TEST_F(PrepareNothingLostTest, AVideoThatDisappearsAfterAKillLeavesNoPartOfItself) {
  PrepareOptions options = ListOptions();
  options.data.shard_size = 65536;
  const pid_t child = fork();
  if (child == 0) {
    int steps = 0;
    options.on_progress = [&](const PrepareProgress&) {
      if (++steps == 4) kill(getpid(), SIGKILL);
    };
    _exit(ExitOf(options));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  ASSERT_TRUE(fs::exists(root_ + "/out/train-000000.tar"));
  fs::remove(root_ + "/in/left/a.mp4");
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->reasons, (Counts{{"not_found", 1}}));
  EXPECT_EQ(summary->samples, 12);
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->videos().size(), 4u);
}

TEST_F(PrepareNothingLostTest, AMissingListedVideoChangesNoShardUntilItIsBack) {
  PrepareOptions options = ListOptions();
  fs::rename(root_ + "/in/left/a.mp4", root_ + "/a.mp4");
  ASSERT_TRUE(Prepare(options).ok());
  const auto time = fs::last_write_time(root_ + "/out/train-000000.tar");
  auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"rejected", 1}, {"unchanged", 4}}));
  EXPECT_EQ(fs::last_write_time(root_ + "/out/train-000000.tar"), time);
  fs::rename(root_ + "/a.mp4", root_ + "/in/left/a.mp4");
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"ok", 1}, {"unchanged", 4}}));
  options.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(options).ok());
  ExpectSame("out", "fresh");
}

TEST_F(PrepareNothingLostTest, ALogLineHoldsOnlyForTheFileVersionThatItNames) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const std::string path = root_ + "/in/left/b.mp4";
  fs::rename(path, root_ + "/sound.mp4");
  WriteTestFile(path, std::string(3000, 'x'));
  PrepareOptions stopped = Options("out");
  std::atomic<int> calls{0};
  stopped.on_progress = [&](const PrepareProgress& now) {
    calls = static_cast<int>(now.inputs_done);
  };
  stopped.interrupted = [&] { return calls >= 3; };
  EXPECT_EQ(ExitOf(stopped), 75);
  fs::rename(root_ + "/sound.mp4", path);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->samples, 15);
  EXPECT_TRUE(summary->reasons.empty());
}

TEST_F(PrepareNothingLostTest, OtherOptionsDoNotDropTheSamplesOfMissingVideos) {
  PrepareOptions options = ListOptions();
  ASSERT_TRUE(Prepare(options).ok());
  fs::rename(root_ + "/in/left", root_ + "/in/hidden");
  options.data.short_side = 48;
  const absl::Status refused = Prepare(options).status();
  EXPECT_EQ(ExitCodeOf(refused), ExitCode::kDataUnusable) << refused;
  EXPECT_NE(refused.message().find("3 videos"), absl::string_view::npos) << refused;
  EXPECT_EQ(SamplesIn("out"), 15);
}

TEST_F(PrepareNothingLostTest, ShardsOfAnUnknownOriginAreNotOverwritten) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  fs::remove(root_ + "/out/dataset.json");
  fs::remove(root_ + "/out/.prepare-train.jsonl");
  const auto before = Contents("out");
  EXPECT_EQ(ExitOf(Options("out")), 2);
  EXPECT_TRUE(Contents("out") == before);
}

TEST_F(PrepareNothingLostTest, AFailedPreparationReportsNothingAsRemovedAndKeepsTheLog) {
  WriteTestFile(root_ + "/in/left/text.mp4", std::string(3000, 'x'));
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const std::string log = ReadTestFile(root_ + "/out/.prepare-train.jsonl");
  WriteTestFile(root_ + "/bad/left/x.mp4", std::string(3000, 'x'));
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/bad"};
  EXPECT_EQ(ExitOf(options), 3);
  for (const auto& line : Report("out")) EXPECT_EQ(line["status"], "rejected") << line;
  EXPECT_EQ(ReadTestFile(root_ + "/out/.prepare-train.jsonl").substr(0, log.size()), log);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 6}}));
}

TEST_F(PrepareNothingLostTest, WithoutThreadsThePreparationReturnsAnError) {
  if (geteuid() != 0 || kSanitized) GTEST_SKIP() << "another user's processes are limited here";
  const auto folder = TemporaryFolder::Create("");
  ASSERT_TRUE(folder.ok()) << folder.status();
  fs::permissions((*folder)->path(), fs::perms::all);
  fs::copy(root_ + "/in", (*folder)->path() + "/in", fs::copy_options::recursive);
  PrepareOptions options = Options("out");
  options.inputs = {(*folder)->path() + "/in"};
  options.output = (*folder)->path() + "/out";
  options.num_workers = 4;
  EXPECT_EQ(InChild([&] {
              rlimit limit{};
              limit.rlim_cur = limit.rlim_max = 1;
              if (setrlimit(RLIMIT_NPROC, &limit) != 0 || setuid(65533) != 0) return 99;
              return ExitOf(options);
            }),
            1);
}

TEST_F(PrepareNothingLostTest, NamesThatAreNotUtf8StayDistinctAndAreRecognized) {
  fs::rename(root_ + "/in/left", root_ + "/in/caf\xE9");
  fs::rename(root_ + "/in/right", root_ + "/in/caf\xE8");
  ASSERT_TRUE(Prepare(Options("out")).ok());
  auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 5}}));
  PrepareOptions val = Options("out");
  val.split = "val";
  summary = Prepare(val);
  ASSERT_TRUE(summary.ok()) << summary.status();
  auto shards = ShardDataset::Open(root_ + "/out", "val");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->classes(), (std::vector<std::string>{"caf\xE8", "caf\xE9"}));
  EXPECT_EQ((*shards)->videos()[0], root_ + "/in/caf\xE8/a.mp4");
}

}  // namespace
}  // namespace slimreel
