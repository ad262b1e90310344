#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
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

// A small file system "disk" in the root, which a test can fill up.
class PrepareOnAFullDiskTest : public PrepareTest {
 protected:
  void SetUp() override {
    PrepareTest::SetUp();
    disk_ = SmallDisk::Mount(root_ + "/disk", 8 << 20);
    if (disk_ == nullptr) GTEST_SKIP() << "a small tmpfs cannot be mounted here";
  }

  int64_t BytesOf(const std::string& output) const {
    int64_t total = 0;
    for (const auto& [name, bytes] : Contents(output)) total += bytes.size();
    return total;
  }

  // Prepares with `free_bytes` left on the disk, and again after space was freed.
  void FailThenFinish(const PrepareOptions& options, int64_t free_bytes) const {
    SCOPED_TRACE(std::to_string(free_bytes) + " bytes free");
    fs::create_directories(options.output);
    disk_->FillUpTo(free_bytes);
    const absl::Status full = Prepare(options).status();
    disk_->Free();
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
    EXPECT_EQ(ExitCodeOf(full), ExitCode::kInternal);
    EXPECT_NE(full.message().find("No space left on device"), std::string::npos) << full;
    EXPECT_NE(full.message().find(options.output), std::string::npos) << full;
    const std::string output = fs::relative(options.output, root_);
    ExpectNothingHalfWritten(output);
    const auto again = Prepare(options);
    EXPECT_TRUE(again.ok()) << again.status();
  }

  std::unique_ptr<SmallDisk> disk_;
};

TEST_F(PrepareOnAFullDiskTest, AFirstPreparationLeavesWholeShardsAndTheNextOneFinishes) {
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  const int64_t total = BytesOf("fresh");
  for (const int64_t free_bytes : {int64_t{0}, int64_t{16384}, total / 3, total - 30000}) {
    FailThenFinish(Options("disk/out"), free_bytes);
    ExpectSame("disk/out", "fresh");
    fs::remove_all(root_ + "/disk/out");
  }
}

TEST_F(PrepareOnAFullDiskTest, APreparationThatReplacesShardsLeavesWholeShardsToo) {
  ASSERT_TRUE(Prepare(Options("disk/out")).ok());
  MakeClip("left/b", 33);
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  FailThenFinish(Options("disk/out"), BytesOf("fresh") / 4);
  ExpectSame("disk/out", "fresh");
}

TEST_F(PrepareOnAFullDiskTest, PartsLeaveWholeShardsToo) {
  for (const int part : {1, 2}) {
    PrepareOptions options = Options("fresh");
    options.part = part;
    options.num_parts = 2;
    ASSERT_TRUE(Prepare(options).ok());
    options.output = root_ + "/disk/out";
    FailThenFinish(options, 150000);
  }
  ExpectSame("disk/out", "fresh");
}

}  // namespace
}  // namespace slimreel
