#include "trainer/setup/resume.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "trainer/checkpoint/best.h"
#include "trainer/checkpoint/checkpoint_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

std::string FreshRun() { return FreshRunFolder(); }

void Save(const std::string& run, int64_t step) {
  TrainState state;
  state.step = step;
  PublishState(run + "/checkpoints", state, std::to_string(step));
}

std::vector<std::string> Names(const std::string& run) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run + "/checkpoints")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Link(const std::string& run, const std::string& name) {
  std::error_code error;
  return fs::read_symlink(run + "/checkpoints/" + name, error).string();
}

// Begins at `path` as train does.
FoundCheckpoint GoBack(const std::string& run, const std::string& path) {
  auto start = FindStart(path, run);
  EXPECT_TRUE(start.ok() && start->has_value()) << start.status();
  EXPECT_TRUE(SettleBest(&**start).ok());
  const absl::Status status = MakeNewest(run, **start);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ((*FindStart("auto", run))->state.step, (*start)->state.step)
      << "killed before its first save, the run goes on from there as well";
  return **start;
}

TEST(ResumeTest, AutoStartsAnewInAnEmptyFolderAndGoesOnElsewhere) {
  const std::string run = FreshRun();
  EXPECT_FALSE(FindStart("auto", run)->has_value());
  EXPECT_FALSE(FindStart("auto", run + "/not_there")->has_value());
  Save(run, 4);
  Save(run, 9);
  EXPECT_EQ((*FindStart("auto", run))->state.step, 9);
}

TEST(ResumeTest, NoneRefusesToMixWithAnEarlierRun) {
  const std::string run = FreshRun();
  EXPECT_FALSE(FindStart("none", run)->has_value());
  Save(run, 4);
  EXPECT_EQ(FindStart("none", run).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ResumeTest, OnlyDamagedCheckpointsAreDataLossAndNotANewRun) {
  const std::string run = FreshRun();
  Save(run, 4);
  std::ofstream(run + "/checkpoints/step_00000004/state.json") << "{}";
  EXPECT_EQ(FindStart("auto", run).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ResumeTest, APathGoesBackAndLaterCheckpointsAreSetAsideNotLost) {
  FakeRun run(FreshRun());
  run.Save(3, 0.2);
  const TrainState at_3 = run.state();
  run.Save(6, 0.9);
  run.Save(9, 0.4);
  GoBack(run.run(), run.path(3));
  EXPECT_EQ(Names(run.run()),
            (std::vector<std::string>{"best", "latest", "step_00000003", "superseded_step_00000006",
                                      "superseded_step_00000009"}));
  EXPECT_EQ(Link(run.run(), "best"), "step_00000003");
  // Again, after other steps of the same numbers.
  run.GoOnFrom(at_3, "b");
  run.Save(6, 0.1);
  run.Save(9, 0.1);
  GoBack(run.run(), run.path(3));
  for (const char* name : {"superseded_step_00000006", "superseded_step_00000009"}) {
    const auto older = VerifyCheckpoint(run.folder() + "/" + name);
    const auto newer = VerifyCheckpoint(run.folder() + "/" + name + ".2");
    ASSERT_TRUE(older.ok() && newer.ok()) << older.status() << newer.status();
    EXPECT_EQ(older->best_value, 0.9);
    EXPECT_EQ(newer->best_value, 0.2);
  }
}

TEST(ResumeTest, ASupersededCheckpointTakesItsNameBackAndFindsItsBest) {
  FakeRun run(FreshRun());
  run.Save(3, 0.2);
  const TrainState at_3 = run.state();
  run.Save(6, 0.9);
  run.Save(9, 0.4);
  const TrainState at_9 = run.state();
  GoBack(run.run(), run.path(3));
  run.GoOnFrom(at_3, "b");
  run.Save(6, 0.1);
  run.Save(9, 0.1);
  run.Save(12, 0.1);
  const FoundCheckpoint start = GoBack(run.run(), run.folder() + "/superseded_step_00000009");
  EXPECT_EQ(start.state, at_9);
  EXPECT_EQ(*VerifyCheckpoint(run.path(9)), at_9);
  EXPECT_EQ(Link(run.run(), "best"), "superseded_step_00000006");
  EXPECT_EQ(FindCheckpoint(run.run(), "best")->state.best_value, 0.9);
  // What the run was in between is not what it goes on from, and not lost either.
  EXPECT_EQ(ListCheckpoints(run.folder()).size(), 1u);
  EXPECT_EQ(ListSuperseded(run.folder()).size(), 5u);
}

TEST(ResumeTest, ACheckpointOfAnotherFolderIsCopiedWithItsBest) {
  FakeRun other(FreshRunFolder("other"), "other");
  other.Save(2, 0.9);
  other.Save(5, 0.4);
  FakeRun run(FreshRunFolder("run"));
  run.Save(2, 0.3);
  run.Save(5, 0.1);
  run.Save(8, 0.1);
  const FoundCheckpoint start = GoBack(run.run(), other.path(5));
  EXPECT_EQ(start.state.best_value, 0.9);
  EXPECT_EQ(FindCheckpoint(run.run(), "best")->state.best_value, 0.9);
  EXPECT_EQ(Link(run.run(), "best"), "superseded_step_00000002");
  EXPECT_EQ(ListCheckpoints(run.folder()).size(), 1u);
  EXPECT_EQ(ListSuperseded(run.folder()).size(), 4u);
  EXPECT_EQ(ListCheckpoints(other.folder()).size(), 2u) << "and stays there";
}

TEST(ResumeTest, TheBestOfAnotherFolderIsCopiedOnceAndBeforeTheStart) {
  FakeRun other(FreshRunFolder("other"), "other");
  other.Save(2, 0.9);
  other.Save(5, 0.4);
  const std::string run = FreshRunFolder("run"), folder = run + "/checkpoints";
  const auto start = FindStart(other.path(5), run);
  ASSERT_TRUE(start.ok()) << start.status();
  fs::rename(other.path(5), other.folder() + "/away");  // it ends where the start should come
  EXPECT_FALSE(MakeNewest(run, **start).ok());
  EXPECT_EQ(*NameOfBest(folder, other.state()), "superseded_step_00000002");
  EXPECT_TRUE(ListCheckpoints(folder).empty());
  fs::rename(other.folder() + "/away", other.path(5));
  GoBack(run, other.path(5));
  EXPECT_EQ(FindCheckpoint(run, "best")->state.step, 2);
  EXPECT_EQ(ListSuperseded(folder).size(), 1u);
}

TEST(ResumeTest, ALostBestIsNotedAndTheNextOneTakesItsPlace) {
  FakeRun run(FreshRun());
  run.Save(1, 0.3);
  run.Save(2, 0.5);
  run.Save(3, 0.4);
  FlipByte(run.path(2) + "/" + kModelFile, 0);
  FoundCheckpoint start = GoBack(run.run(), "auto");
  EXPECT_EQ(start.state.best_step, 1);
  EXPECT_EQ(start.state.best_value, 0.3);
  EXPECT_EQ(start.state.best_model, VerifyCheckpoint(run.path(1))->files.at(kModelFile));
  ASSERT_EQ(start.state.changes.size(), 1u);
  EXPECT_NE(start.state.changes[0].find("step 3: the best checkpoint (top1 0.5 at step 2) is lost"),
            std::string::npos)
      << start.state.changes[0];
  EXPECT_NE(start.state.changes[0].find("the best is now top1 0.3 at step 1"), std::string::npos);
  fs::remove_all(run.path(1));
  start = GoBack(run.run(), "auto");
  EXPECT_EQ(start.state.best_step, -1) << "else no evaluation would ever be better";
}

TEST(ResumeTest, TheSameCommandGoesOnOnlyWithAuto) {
  EXPECT_NE(HowToGoOn("auto").find("the same command"), std::string::npos);
  for (const char* resume : {"none", "runs/a/checkpoints/step_00000003"}) {
    EXPECT_EQ(HowToGoOn(resume).find("the same command"), std::string::npos) << resume;
    EXPECT_NE(HowToGoOn(resume).find("--resume=auto"), std::string::npos) << resume;
  }
}

TEST(ResumeTest, EveryDifferenceOfTheEnvironmentIsNamed) {
  const RunEnvironment saved{2, "AVX2", "2.13.0", "cpu"};
  EXPECT_EQ(EnvironmentDifference(saved, saved), "");
  EXPECT_EQ(EnvironmentDifference(saved, {4, "AVX2", "2.13.0", "cuda:0"}),
            "threads 2 -> 4, device cpu -> cuda:0");
}

}  // namespace
}  // namespace slimreel
