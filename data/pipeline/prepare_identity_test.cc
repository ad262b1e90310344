// Samples hold the pixels of the files that they name, whatever was prepared before.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

using Counts = std::map<std::string, int64_t>;

class PrepareIdentityTest : public PrepareTest {
 protected:
  // The stored frames of each source are those that ffmpeg decodes from it now.
  void ExpectEachSampleIsOfItsSource(const std::string& output) const {
    auto shards = ShardDataset::Open(root_ + "/" + output, "train");
    ASSERT_TRUE(shards.ok()) << shards.status();
    std::map<std::string, std::vector<uint8_t>> stored;
    for (int64_t i = 0; i < (*shards)->num_samples(); ++i) {
      const auto frames = (*shards)->Frames(i);
      ASSERT_TRUE(frames.ok()) << frames.status();
      const std::string& source = (*shards)->videos()[(*shards)->sample(i).video];
      stored[source].insert(stored[source].end(), frames->data, frames->data + frames->bytes());
    }
    for (const auto& [source, pixels] : stored) {
      EXPECT_TRUE(pixels == FfmpegFrames(source, "scale=48:32:flags=bilinear")) << source;
    }
  }

  // Prepares, and stops after `steps` calls of on_progress.
  void StopAfter(PrepareOptions options, int steps) const {
    std::atomic<int> calls{0};
    options.on_progress = [&](const PrepareProgress&) { ++calls; };
    options.interrupted = [&] { return calls > steps; };
    EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kStopped);
  }

  // Uncompressed, so that all clips of this size have the same number of bytes.
  void MakeRawClip(const std::string& path, const std::string& source) const {
    RunFfmpeg("-f lavfi -i " + source + "=size=96x64:rate=25 -frames:v 25 -pix_fmt bgr24 " +
              "-c:v rawvideo " + path);
  }
};

TEST_F(PrepareIdentityTest, OtherFilesWithTheSameStemsAreDecodedEvenAfterAStop) {
  for (int steps = 1; steps < 22; steps += 4) {
    SCOPED_TRACE(steps);
    const std::string output = "out" + std::to_string(steps);
    fs::remove_all(root_ + "/in");
    for (const char* name : {"cat/v1.mp4", "cat/v2.mp4", "cat/v3.mp4"}) MakeOtherClip(name);
    ASSERT_TRUE(Prepare(Options(output)).ok());
    for (const std::string name : {"cat/v1", "cat/v2", "cat/v3"}) {
      fs::remove(root_ + "/in/" + name + ".mp4");
      MakeClip(name);
      fs::rename(root_ + "/in/" + name + ".mp4", root_ + "/in/" + name + ".m4v");
    }
    StopAfter(Options(output), steps % 9);
    const auto summary = Prepare(Options(output));
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->samples, 9);
    ASSERT_NO_FATAL_FAILURE(ExpectEachSampleIsOfItsSource(output));
  }
}

TEST_F(PrepareIdentityTest, AnotherInputWithTheSameNamesIsDecodedEvenAfterAStop) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  fs::rename(root_ + "/in", root_ + "/v1");
  for (const char* name : {"left/a.mp4", "left/b.mp4", "right/a.mp4"}) MakeOtherClip(name);
  fs::rename(root_ + "/in", root_ + "/v2");
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/v2"};
  StopAfter(options, 4);
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->samples, 9);
  ExpectEachSampleIsOfItsSource("out");
}

// As after `cp -p` or `touch -r`: the ctime differs, so the digest is read, and it shows that the
// file is another one.
TEST_F(PrepareIdentityTest, OtherBytesWithTheSameSizeAndTimeAreDecoded) {
  fs::remove_all(root_ + "/in");
  fs::create_directories(root_ + "/in/left");
  const std::string path = root_ + "/in/left/a.avi";
  MakeRawClip(path, "testsrc2");
  const auto size = fs::file_size(path);
  const auto time = fs::last_write_time(path);
  ASSERT_TRUE(Prepare(Options("out")).ok());
  MakeRawClip(path, "mandelbrot");
  fs::last_write_time(path, time);
  ASSERT_EQ(fs::file_size(path), size);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"ok", 1}}));
  ExpectEachSampleIsOfItsSource("out");
}

TEST_F(PrepareIdentityTest, OtherPermissionsMakeNoOtherFile) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  fs::permissions(root_ + "/in/left/a.mp4", fs::perms::owner_read);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 5}}));
}

TEST_F(PrepareIdentityTest, WithoutTheLogOnlyVideosWithoutSamplesAreDecodedAgain) {
  WriteTestFile(root_ + "/in/left/text.mp4", std::string(3000, 'x'));
  ASSERT_TRUE(Prepare(Options("out")).ok());
  auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"unchanged", 6}}));
  fs::remove(root_ + "/out/.prepare-train.jsonl");
  const auto shard_time = fs::last_write_time(root_ + "/out/train-000000.tar");
  summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"rejected", 1}, {"unchanged", 5}}));
  EXPECT_EQ(fs::last_write_time(root_ + "/out/train-000000.tar"), shard_time);
  const auto report = Report("out");
  ASSERT_EQ(report.size(), 6u);
  EXPECT_EQ(report[0]["was"], "ok");
  EXPECT_EQ(report[0]["frames_decoded"], 25);
  EXPECT_EQ(report[0]["frames"], 25);
}

TEST_F(PrepareIdentityTest, DamagedSamplesAreDecodedAgain) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const std::string path = root_ + "/out/train-000001.tar";
  std::string bytes = ReadTestFile(path);
  bytes[5000] ^= 1;
  WriteTestFile(path, bytes);
  MakeClip("left/b", 33);  // samples from here on are written again
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  ExpectEachSampleIsOfItsSource("out");
}

}  // namespace
}  // namespace slimreel
