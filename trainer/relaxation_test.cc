// Memory runs short during a run, and later it does not: the plan tightens and goes back. Whole
// runs of train, in this process.
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/test_files.h"
#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/setup/train_command.h"

namespace slimreel {
namespace {

using Overrides = std::vector<ConfigOverride>;

// A neighbour that leaves `limit` bytes while the attempts `first` to `last` (from 1) of steps run.
// Each attempt charges its batch.
class Neighbour final : public AllocationHook {
 public:
  Neighbour(int64_t limit, int first, int last) : limit_(limit), first_(first), last_(last) {
    AddCpuAllocationHook(this);
  }
  ~Neighbour() override { RemoveCpuAllocationHook(this); }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  void BeforeAllocate(AllocationKind kind, int64_t bytes) override {
    attempt_ += kind == AllocationKind::kCharge ? 1 : 0;
    const bool refused = attempt_ >= first_ && attempt_ <= last_ && live_ + bytes > limit_;
    TORCH_CHECK_WITH(OutOfMemoryError, !refused, "a neighbour has this memory");
  }
  void OnLiveBytes(const BytesByTag& live) noexcept override {
    live_ = std::accumulate(live.begin(), live.end(), int64_t{0});
  }

 private:
  const int64_t limit_;
  const int first_;
  const int last_;
  int attempt_ = 0;
  int64_t live_ = 0;
};

class RelaxationTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder("relaxation");
    ASSERT_TRUE(Train("keep", 1).ok());
    ASSERT_TRUE(Train("checkpoint", 1, {{"memory.schedule", "checkpoint"}}).ok());
    const int64_t keep = Json("keep", "summary.json")["phases"]["train"]["peak_bytes"];
    const int64_t checkpoint = Json("checkpoint", "summary.json")["phases"]["train"]["peak_bytes"];
    ASSERT_LT(checkpoint, keep);
    limit_ = (keep + checkpoint) / 2;
  }

  absl::Status Train(const std::string& run, int steps, const Overrides& more = {},
                     const std::string& resume = "") const {
    ResetCpuPeaks();
    Overrides overrides = {{"seed", "3"},
                           {"model.name", "video_vit_nano"},
                           {"model.num_classes", "3"},
                           {"data.train", "synthetic:80"},
                           {"data.img_size", "64"},
                           {"data.num_frames", "8"},
                           {"data.batch_size", "4"},
                           {"train.max_steps", absl::StrCat(steps)},
                           {"evaluation.strategy", "no"},
                           {"checkpoint.every_steps", "1"},
                           {"checkpoint.keep", "100"},
                           {"memory.cpu_threshold", "1"},
                           {"dataloader.num_workers", "0"},
                           {"trainer.progress", "false"}};
    overrides.insert(overrides.end(), more.begin(), more.end());
    std::ostringstream output;
    std::streambuf* const old = std::cout.rdbuf(output.rdbuf());
    TrainCommand command;
    command.run = Path(run);
    command.resume = resume;
    const absl::Status status = RunTrainCommand(command, overrides);
    std::cout.rdbuf(old);
    return status;
  }

  std::string Path(const std::string& run) const { return absl::StrCat(folder_, "/", run); }
  std::string Checkpoint(const std::string& run, int step) const {
    return absl::StrCat(Path(run), "/checkpoints/", CheckpointName(step));
  }
  nlohmann::json Json(const std::string& run, const std::string& name) const {
    return nlohmann::json::parse(ReadTestFile(absl::StrCat(Path(run), "/", name)));
  }
  TrainState State(const std::string& run, int step) const {
    const auto state = VerifyCheckpoint(Checkpoint(run, step));
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *state : TrainState();
  }
  // Of the weights and of the optimizer's state.
  std::map<std::string, FileFingerprint> Tensors(const std::string& run, int step) const {
    auto files = State(run, step).files;
    std::erase_if(files, [](const auto& file) { return file.first == kConfigFile; });
    return files;
  }
  // Schedule in each checkpoint.
  std::vector<std::string> Schedules(const std::string& run, int steps) const {
    std::vector<std::string> schedules;
    for (int step = 1; step <= steps; ++step) schedules.push_back(State(run, step).schedule);
    return schedules;
  }

  std::string folder_;
  int64_t limit_ = 0;
};

TEST_F(RelaxationTest, WhenTheNeighbourHasGoneThePlannedPlanComesBackWithTheSameBits) {
  ASSERT_TRUE(Train("undisturbed", 7).ok());
  {
    const Neighbour neighbour(limit_, 2, 5);  // step 2, its retry, the steps 3 and 4
    ASSERT_TRUE(Train("run", 7).ok());
  }
  EXPECT_EQ(Schedules("run", 7), (std::vector<std::string>{"keep", "checkpoint", "checkpoint",
                                                           "keep", "keep", "keep", "keep"}));
  const nlohmann::json summary = Json("run", "summary.json");
  EXPECT_EQ(summary["oom_retries"], 1);
  EXPECT_EQ(summary["relaxations"], 1);
  EXPECT_EQ(summary["schedule"], "keep");
  EXPECT_EQ(summary["predicted_peak_bytes"],
            Json("undisturbed", "plan.json")["predicted_peak_bytes"]);
  nlohmann::json plan = Json("run", "plan.json"), expected = Json("undisturbed", "plan.json");
  for (const char* field : {"schedule", "micro_batch", "predicted_peak_bytes", "operations"}) {
    EXPECT_EQ(plan[field], expected[field]) << field;
  }
  for (int step = 1; step <= 7; ++step) {
    EXPECT_EQ(Tensors("run", step), Tensors("undisturbed", step)) << step;
  }
}

TEST_F(RelaxationTest, ANeighbourThatStayedMakesTheNextAttemptWaitTwiceAsLong) {
  {
    const Neighbour neighbour(limit_, 2, 7);  // until the retry of step 5
    ASSERT_TRUE(Train("run", 11).ok());
  }
  std::vector<std::string> expected(11, "checkpoint");
  expected[0] = expected[3] = expected[8] = expected[9] = expected[10] = "keep";
  EXPECT_EQ(Schedules("run", 11), expected);
  const nlohmann::json summary = Json("run", "summary.json");
  EXPECT_EQ(summary["oom_retries"], 2);
  EXPECT_EQ(summary["relaxations"], 2);
  EXPECT_EQ(State("run", 5).wider.waiting.failures, 1);
}

// As after kill -9: every checkpoint is followed by the same steps.
TEST_F(RelaxationTest, AResumedRunRelaxesWhereTheRunWouldHave) {
  {
    const Neighbour neighbour(limit_, 2, 5);
    ASSERT_TRUE(Train("run", 6).ok());
  }
  for (int from = 2; from <= 4; ++from) {
    const std::string resumed = absl::StrCat("from_", from);
    ASSERT_TRUE(Train(resumed, 6, {}, Checkpoint("run", from)).ok());
    for (int step = from + 1; step <= 6; ++step) {
      const TrainState mine = State(resumed, step), other = State("run", step);
      EXPECT_EQ(mine.schedule, other.schedule) << from << ", " << step;
      EXPECT_EQ(mine.wider, other.wider) << from << ", " << step;
      EXPECT_EQ(mine.relaxations, other.relaxations) << from << ", " << step;
    }
    EXPECT_EQ(Tensors(resumed, 6), Tensors("run", 6)) << from;
    const nlohmann::json summary = Json(resumed, "summary.json");
    EXPECT_EQ(summary["relaxations"], 1) << from;
    // The tightened plan's prediction is not true of the plan that came back.
    EXPECT_EQ(summary["steps_above_prediction"], 0) << from;
  }
}

// The prediction holds the values of all steps until the next report.
TEST_F(RelaxationTest, APlanThatIsPredictedAboveTheBudgetIsNotTriedAgain) {
  const Overrides keep = {{"memory.schedule", "keep"}, {"trainer.log_every_steps", "1"}};
  ASSERT_TRUE(Train("alone", 1, keep).ok());
  const int64_t peak = Json("alone", "plan.json")["predicted_peak_bytes"];
  for (const char* every : {"1", "100"}) {
    const std::string run = absl::StrCat("every_", every);
    Overrides more = keep;
    more.push_back({"memory.budget", absl::StrCat(peak)});
    ASSERT_TRUE(Train(run, 1, more).ok());
    ASSERT_EQ(Json(run, "plan.json")["micro_batch"], 4);
    more.push_back({"trainer.log_every_steps", every});
    {
      const Neighbour neighbour(limit_, 1, 2);
      ASSERT_TRUE(Train(run, 6, more).ok());
    }
    const nlohmann::json summary = Json(run, "summary.json");
    EXPECT_EQ(summary["oom_retries"], 1);
    EXPECT_EQ(summary["relaxations"], every == std::string("1") ? 1 : 0);
  }
  SetCpuBudget(0);
}

// What the state remembers is true of the plan that it was tightened from, under its terms.
TEST_F(RelaxationTest, UnderOtherTermsTheConfigurationsPlanIsTakenAndNothingIsRemembered) {
  {
    const Neighbour neighbour(limit_, 2, 5);
    ASSERT_TRUE(Train("run", 3).ok());
  }
  ASSERT_EQ(State("run", 3).wider.schedule, "keep");
  ASSERT_EQ(State("run", 3).schedule, "checkpoint");
  ASSERT_TRUE(Train("run", 6, {{"memory.schedule", "every:2"}}).ok());
  EXPECT_EQ(Schedules("run", 6)[5], "every:2");
  WiderPlan none;
  none.seen_retries = 1;
  EXPECT_EQ(State("run", 6).wider, none);
  EXPECT_EQ(Json("run", "summary.json")["relaxations"], 0);
}

}  // namespace
}  // namespace slimreel
