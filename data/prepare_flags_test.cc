#include "data/prepare_flags.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/memory_limits.h"
#include "base/test_files.h"
#include "data/pipeline/prepare_sizing.h"
#include "data/pipeline/testing/prepare_fixture.h"

namespace slimreel {
namespace {

class PrepareFlagsTest : public PrepareTest {
 protected:
  PrepareOptions Read(const std::string& output, std::vector<ConfigOverride> overrides) const {
    gflags::SetCommandLineOption("input", (root_ + "/in").c_str());
    gflags::SetCommandLineOption("output", (root_ + "/" + output).c_str());
    gflags::SetCommandLineOption("num_workers", "8");
    overrides.push_back({"data.short_side", "32"});
    overrides.push_back({"data.max_video_frames", "10"});
    auto options = PrepareOptionsFromFlags(overrides);
    EXPECT_TRUE(options.ok()) << options.status();
    return *std::move(options);
  }
};

TEST_F(PrepareFlagsTest, ASmallHostBudgetGivesFewerDecodersSmallerQueuesAndTheSameBytes) {
  const PrepareOptions ample = Read("ample", {{"memory.host_budget", "2GiB"}});
  EXPECT_EQ(ample.num_workers, 8);
  EXPECT_LE(8 * kDecoderBytes + ample.memory_bytes, int64_t{2} << 30);
  const PrepareOptions small = Read("small", {{"memory.host_budget", "64KiB"}});
  EXPECT_EQ(small.num_workers, 1);
  EXPECT_LE(small.memory_bytes, 64 << 10);
  ASSERT_TRUE(Prepare(ample).ok());
  ASSERT_TRUE(Prepare(small).ok());
  ExpectSame("ample", "small");
}

TEST_F(PrepareFlagsTest, WithoutABudgetItIsAShareOfWhatTheHostHas) {
  const PrepareOptions options = Read("out", {});
  EXPECT_GT(options.memory_bytes, 0);
  EXPECT_LE(options.memory_bytes, int64_t{4} << 30);
  const PrepareOptions share = Read("out", {{"memory.host_budget", "0.001%"}});
  EXPECT_LT(share.memory_bytes, options.memory_bytes);
  EXPECT_EQ(share.num_workers, 1);
  // Of all the host has, some is in use already.
  const PrepareOptions all = Read("out", {{"memory.host_budget", "100%"}});
  const auto host = ReadHostMemory();
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_LT(all.num_workers * kDecoderBytes + all.memory_bytes, host->limits.front().bytes);
}

TEST_F(PrepareFlagsTest, ACommaDividesInputsUnlessAFileBearsTheWholeName) {
  const auto inputs = [](const std::string& text) {
    gflags::SetCommandLineOption("input", text.c_str());
    gflags::SetCommandLineOption("num_workers", "1");
    const auto options = PrepareOptionsFromFlags({});
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? options->inputs : std::vector<std::string>();
  };
  const std::string name = root_ + "/in/a,b.mp4";
  EXPECT_EQ(inputs(name), (std::vector<std::string>{root_ + "/in/a", "b.mp4"}));
  WriteTestFile(name, "x");
  EXPECT_EQ(inputs(name), (std::vector<std::string>{name}));
  EXPECT_EQ(inputs(name + ",c.mp4"), (std::vector<std::string>{root_ + "/in/a", "b.mp4", "c.mp4"}));
}

}  // namespace
}  // namespace slimreel
