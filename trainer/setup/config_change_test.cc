#include "trainer/setup/config_change.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// A run whose checkpoint was saved under `saved` and whose folder holds `newest`.
FoundCheckpoint MakeRun(const Config& saved, const Config& newest) {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const fs::path run = fs::path(::testing::TempDir()) / info->name();
  const fs::path checkpoint = run / "checkpoints" / CheckpointName(3);
  fs::create_directories(checkpoint);
  std::ofstream(checkpoint / kConfigFile) << ConfigToYaml(saved);
  std::ofstream(run / "config.yaml") << ConfigToYaml(newest);
  FoundCheckpoint found;
  found.path = checkpoint.string() + "/";
  found.state.files[kConfigFile] = {};
  return found;
}

Config WithRate(double lr) {
  Config config;
  config.train.lr = lr;
  return config;
}

TEST(ConfigChangeTest, AChangeOfWhatIsLearntIsRefusedUnlessAllowed) {
  const FoundCheckpoint start = MakeRun(WithRate(0.5), WithRate(0.5));
  const auto refused = CompareWithCheckpoint(WithRate(0.25), start, false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("train.lr: 0.5 -> 0.25"), std::string::npos);
  const auto allowed = CompareWithCheckpoint(WithRate(0.25), start, true);
  ASSERT_TRUE(allowed.ok()) << allowed.status();
  EXPECT_TRUE(allowed->changes_result);
  EXPECT_EQ(allowed->lines, std::vector<std::string>{"train.lr: 0.5 -> 0.25"});
}

TEST(ConfigChangeTest, AnyOtherChangeIsOnlyReported) {
  Config other = WithRate(0.5);
  other.dataloader.num_workers = 3;
  const auto changes = CompareWithCheckpoint(other, MakeRun(WithRate(0.5), other), false);
  ASSERT_TRUE(changes.ok()) << changes.status();
  EXPECT_FALSE(changes->changes_result);
  EXPECT_EQ(changes->lines, std::vector<std::string>{"dataloader.num_workers: auto -> 3"});
}

// A process wrote RUN/config.yaml and died before it saved.
TEST(ConfigChangeTest, ComparesWithTheCheckpointNotWithTheNewestProcess) {
  const FoundCheckpoint start = MakeRun(WithRate(0.5), WithRate(0.25));
  EXPECT_FALSE(CompareWithCheckpoint(WithRate(0.25), start, false).ok());
  EXPECT_TRUE(CompareWithCheckpoint(WithRate(0.5), start, false)->lines.empty());
}

TEST(ConfigChangeTest, ACheckpointWithoutAConfigurationIsComparedWithTheRuns) {
  FoundCheckpoint start = MakeRun(WithRate(0.5), WithRate(0.25));
  start.state.files.clear();
  EXPECT_TRUE(CompareWithCheckpoint(WithRate(0.25), start, false)->lines.empty());
}

}  // namespace
}  // namespace slimreel
