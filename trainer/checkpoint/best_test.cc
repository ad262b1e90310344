#include "trainer/checkpoint/best.h"

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "trainer/checkpoint/checkpoint_files.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

class BestTest : public ::testing::Test {
 protected:
  void SetUp() override { run_ = std::make_unique<FakeRun>(FreshRunFolder()); }

  // Renames every checkpoint after `step`, as a run does that goes back to it.
  void SupersedeAfter(int64_t step) {
    for (const CheckpointEntry& entry : ListCheckpoints(run_->folder())) {
      if (entry.step <= step) continue;
      fs::rename(entry.path, run_->folder() + "/" + FreeSupersededName(run_->folder(), entry.step));
    }
  }
  std::string Link(const std::string& name) const {
    std::error_code error;
    return fs::read_symlink(run_->folder() + "/" + name, error).string();
  }

  std::unique_ptr<FakeRun> run_;
};

TEST_F(BestTest, TheNewestStateNamesTheBestAndTheLinkDoesNot) {
  run_->Save(8, 0.5);
  run_->Save(10, 0.7);
  ASSERT_TRUE(PointTo(run_->folder(), "best", CheckpointName(8)).ok());  // left behind by a kill
  EXPECT_EQ(FindCheckpoint(run_->run(), "best")->state.step, 10);
  ASSERT_TRUE(PointLinks(run_->folder()).ok());
  EXPECT_EQ(Link("best"), CheckpointName(10));
}

TEST_F(BestTest, TheSameStepOfAnotherHistoryIsNotTheBest) {
  run_->Save(3, 0.2);
  const TrainState at_3 = run_->state();
  run_->Save(6, 0.9);
  run_->Save(9, 0.4);
  const TrainState old_9 = run_->state();
  SupersedeAfter(3);
  run_->GoOnFrom(at_3, "b");
  run_->Save(6, 0.1);
  ASSERT_TRUE(PointLinks(run_->folder()).ok());
  EXPECT_EQ(Link("latest"), CheckpointName(6));
  EXPECT_EQ(Link("best"), CheckpointName(3));
  // The best of the superseded history is found under its new name.
  EXPECT_EQ(*NameOfBest(run_->folder(), old_9), "superseded_step_00000006");
  const BestCheckpoint best = *FindBest(run_->folder(), old_9);
  EXPECT_EQ(best.lost, "");
  EXPECT_EQ(best.found->state.best_value, 0.9);
}

TEST_F(BestTest, NamesOfSupersededCheckpointsAreNeverReused) {
  for (const char* expected :
       {"superseded_step_00000006", "superseded_step_00000006.2", "superseded_step_00000006.3"}) {
    run_->Save(6, 0.9);
    EXPECT_EQ(FreeSupersededName(run_->folder(), 6), expected);
    SupersedeAfter(3);
  }
  EXPECT_EQ(ListSuperseded(run_->folder()).size(), 3u);
  // A user may still know the superseded name of one that has its old name back.
  fs::rename(run_->folder() + "/superseded_step_00000006", run_->path(6));
  EXPECT_EQ(FreeSupersededName(run_->folder(), 6), "superseded_step_00000006.4");
  fs::rename(run_->path(6), run_->folder() + "/elsewhere");
  EXPECT_TRUE(ListCheckpoints(run_->folder()).empty());
}

TEST_F(BestTest, ADamagedOrMissingBestIsReportedAndTheNextOneIsTaken) {
  run_->Save(1, 0.3);
  run_->Save(2, 0.5);
  run_->Save(3, 0.4);
  run_->Save(4, 0.8);
  run_->Save(5, 0.6);
  FlipByte(run_->path(4) + "/" + kModelFile, 1);
  auto found = FindCheckpoint(run_->run(), "best");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.step, 2);
  ASSERT_EQ(found->skipped.size(), 1u);
  EXPECT_TRUE(absl::StrContains(found->skipped[0], "top1 0.8 at step 4) is lost: "));
  EXPECT_TRUE(absl::StrContains(found->skipped[0], "does not match the hash"));
  fs::remove_all(run_->path(4));
  fs::remove_all(run_->path(2));
  EXPECT_EQ(FindCheckpoint(run_->run(), "best")->state.step, 1);
  fs::remove_all(run_->path(1));
  found = FindCheckpoint(run_->run(), "best");
  EXPECT_EQ(found->state.step, 5) << "the newest, because no best is left";
  EXPECT_TRUE(absl::StrContains(found->skipped.at(0), "it is not in ")) << found->skipped[0];
  ASSERT_TRUE(PointLinks(run_->folder()).ok());
  EXPECT_EQ(Link("best"), "");
}

TEST_F(BestTest, ABestByAnotherMetricOrOfALaterStepIsNotTaken) {
  run_->Save(1, 0.3);
  TrainState state = run_->state();
  state.best_metric = "loss";
  state.best_model = {1, "ff"};
  EXPECT_FALSE(FindBest(run_->folder(), state)->found.has_value());
  state = run_->state();
  run_->Save(5, 0.9);
  fs::remove_all(run_->path(1));
  EXPECT_FALSE(FindBest(run_->folder(), state)->found.has_value());
  EXPECT_EQ(*NameOfBest(run_->folder(), state), "");
}

// States of format 2 name their best by step, metric and value.
TEST_F(BestTest, WithoutAFingerprintStepMetricAndValueIdentifyTheBest) {
  run_->Save(6, 0.9);
  TrainState old = run_->state();
  old.step = 9;
  old.best_model = {};
  EXPECT_EQ(*NameOfBest(run_->folder(), old), CheckpointName(6));
  old.best_value = 0.8;
  EXPECT_EQ(*NameOfBest(run_->folder(), old), "");
}

}  // namespace
}  // namespace slimreel
