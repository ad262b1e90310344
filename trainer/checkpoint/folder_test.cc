#include "trainer/checkpoint/folder.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "gtest/gtest.h"
#include "trainer/checkpoint/best.h"
#include "trainer/checkpoint/checkpoint_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override { run_ = FreshRunFolder(); }

  void Save(int64_t step) {
    TrainState state;
    state.step = step;
    state.schedule = "every:2";
    PublishState(folder(), state, std::string(1000, static_cast<char>('a' + step % 26)));
  }

  std::string folder() const { return run_ + "/checkpoints"; }
  std::string File(int64_t step, const char* name) {
    return folder() + "/" + CheckpointName(step) + "/" + name;
  }

  std::string run_;
};

TEST_F(FolderTest, EveryFlippedByteOfEveryFileIsFound) {
  Save(4);
  for (const char* name : {kModelFile, kOptimizerFile, kStateFile}) {
    const int64_t size = static_cast<int64_t>(fs::file_size(File(4, name)));
    for (int64_t position = 0; position < size; position += 13) {
      FlipByte(File(4, name), position);
      const auto verified = VerifyCheckpoint(folder() + "/" + CheckpointName(4));
      // Blanks and line ends of the JSON have no meaning: there the state must be the same.
      if (verified.ok()) {
        EXPECT_STREQ(name, kStateFile);
        EXPECT_EQ(verified->step, 4);
        EXPECT_EQ(verified->schedule, "every:2");
      }
      FlipByte(File(4, name), position);
    }
  }
  EXPECT_TRUE(VerifyCheckpoint(folder() + "/" + CheckpointName(4)).ok());
}

TEST_F(FolderTest, ADamagedNewestFallsBackToAnOlderIntactOneAndSaysSo) {
  Save(10);
  Save(20);
  Save(30);
  FlipByte(File(30, kOptimizerFile), 500);
  fs::resize_file(File(20, kModelFile), 999);
  const auto found = FindNewestIntact(folder());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.step, 10);
  ASSERT_EQ(found->skipped.size(), 2u);
  EXPECT_NE(found->skipped[0].find("step_00000030/optimizer.safetensors"), std::string::npos);
  EXPECT_NE(found->skipped[1].find("999 bytes"), std::string::npos);
}

TEST_F(FolderTest, OnlyDamagedCheckpointsAreDataLossAndNoneAtAllIsNotFound) {
  EXPECT_EQ(FindNewestIntact(folder()).status().code(), absl::StatusCode::kNotFound);
  Save(1);
  fs::remove(File(1, kStateFile));
  EXPECT_EQ(FindNewestIntact(folder()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FolderTest, PruningKeepsTheNewestAndTheBestOfEachForAnyLinks) {
  FakeRun run(run_);
  for (const auto& [step, value] : {std::pair(1, 0.1), {2, 0.5}, {3, 0.2}, {4, 0.3}, {5, 0.9}}) {
    run.Save(step, value);
  }
  ASSERT_TRUE(PointTo(folder(), "best", CheckpointName(1)).ok());
  ASSERT_TRUE(PointTo(folder(), "latest", CheckpointName(3)).ok());
  ASSERT_TRUE(PruneCheckpoints(folder(), 2, run.state()).ok());
  std::vector<int64_t> steps;
  for (const auto& entry : ListCheckpoints(folder())) steps.push_back(entry.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{5, 4, 2})) << "a run may go on from 4, whose best is 2";
  ASSERT_TRUE(PruneCheckpoints(folder(), 1, run.state()).ok());
  EXPECT_EQ(ListCheckpoints(folder()).size(), 1u);
  EXPECT_EQ(FindCheckpoint(run_, "best")->state.step, 5);
}

// The state in memory counts, whatever is on the disk.
TEST_F(FolderTest, TheBestOfTheStateToBeSavedStays) {
  FakeRun run(run_);
  run.Save(3, 0.5);
  run.Save(8, 0.1);
  const TrainState saving = run.state();
  fs::remove_all(run.path(8));
  Save(8);  // its state names no best
  ASSERT_TRUE(PruneCheckpoints(folder(), 1, saving).ok());
  EXPECT_TRUE(fs::exists(run.path(3)));
  EXPECT_EQ(*NameOfBest(folder(), saving), CheckpointName(3));
}

TEST_F(FolderTest, ADamagedCheckpointDoesNotCountTowardsKeep) {
  Save(1);
  Save(2);
  Save(3);
  WriteText(File(3, kStateFile), "{}");
  ASSERT_TRUE(PruneCheckpoints(folder(), 1, TrainState()).ok());
  EXPECT_EQ(FindNewestIntact(folder())->state.step, 2) << "else a kill before the save loses all";
  EXPECT_FALSE(fs::exists(folder() + "/" + CheckpointName(1)));
}

// Runs as a user who may not read everything, even if the tests run as root.
class OtherUser {
 public:
  OtherUser() {
    if (geteuid() == 0) changed_ = seteuid(65534) == 0;
  }
  ~OtherUser() {
    if (changed_) changed_ = seteuid(0) != 0;
  }

 private:
  bool changed_ = false;
};

TEST_F(FolderTest, AFileThatCannotBeReadNowIsNotDamaged) {
  FakeRun run(run_);
  run.Save(3, 0.5);
  run.Save(8, 0.1);
  run.Save(9, 0.1);
  const auto denied = [](const absl::Status& status) { return absl::IsPermissionDenied(status); };
  // The other user may not pass through the folders above, so paths start here.
  const fs::path before = fs::current_path();
  fs::current_path(run_);
  const std::string here = "checkpoints", newest = here + "/" + CheckpointName(9);
  const std::string state = newest + "/" + kStateFile, model = newest + "/" + kModelFile;
  const std::string best = here + "/" + CheckpointName(3) + "/" + kModelFile;
  for (const std::string& path : {state, model, best, here}) {
    const fs::perms perms = fs::status(path).permissions();
    fs::permissions(path, fs::perms::none);
    {
      const OtherUser other;
      EXPECT_EQ(denied(FindNewestIntact(here).status()), path != best) << path;
      EXPECT_EQ(denied(FindBest(here, run.state()).status()), path != model) << path;
      EXPECT_EQ(denied(PruneCheckpoints(here, 3, run.state())), path == state || path == here)
          << path;
    }
    fs::permissions(path, perms);
  }
  fs::current_path(before);
  EXPECT_EQ(FindNewestIntact(folder())->state.step, 9);
}

TEST_F(FolderTest, ASupersededCheckpointKeepsItsBest) {
  FakeRun run(run_);
  run.Save(1, 0.5);
  run.Save(2, 0.1);
  fs::rename(run.path(2), folder() + "/" + FreeSupersededName(folder(), 2));
  run.Save(3, 0.6);
  ASSERT_TRUE(PruneCheckpoints(folder(), 1, run.state()).ok());
  EXPECT_TRUE(fs::exists(run.path(1)));
}

TEST_F(FolderTest, ANewestCheckpointOfAnotherVersionIsRefusedAndNotSkipped) {
  Save(1);
  TrainState state;
  state.step = 2;
  PublishState(folder(), state, "x");
  auto json = nlohmann::json::parse(StateToJson(state));
  json["format"] = 9;
  WriteText(File(2, kStateFile), WithHash(json));
  EXPECT_EQ(FindNewestIntact(folder()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FolderTest, SavingOverADamagedCheckpointOfTheSameStepReplacesIt) {
  Save(7);
  FlipByte(File(7, kModelFile), 3);
  EXPECT_FALSE(VerifyCheckpoint(folder() + "/" + CheckpointName(7)).ok());
  Save(7);
  EXPECT_TRUE(VerifyCheckpoint(folder() + "/" + CheckpointName(7)).ok());
}

TEST_F(FolderTest, ASaveInProgressIsNotSeen) {
  const auto saving = AtomicFolder::Create(folder() + "/" + CheckpointName(9));
  WriteText((*saving)->aside() + "/" + kStateFile, "{");
  EXPECT_TRUE(ListCheckpoints(folder()).empty());
}

TEST_F(FolderTest, PathsMayNameACheckpointOrARunFolder) {
  for (const char* which : {"best", "latest"}) {
    EXPECT_EQ(FindCheckpoint(run_, which).status().code(), absl::StatusCode::kDataLoss) << which;
  }
  Save(3);
  Save(6);
  EXPECT_EQ(FindCheckpoint(run_, CheckpointName(3))->state.step, 3);
  EXPECT_EQ(FindCheckpoint("elsewhere", run_)->state.step, 6);
  EXPECT_EQ(FindCheckpoint("elsewhere", folder() + "/" + CheckpointName(3))->state.step, 3);
  EXPECT_EQ(FindCheckpoint(run_, "bset").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace slimreel
