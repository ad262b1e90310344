// The contract of the loop: what happens in which order, and what each end of a run leaves.
#include "trainer/loop/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/exit_code.h"
#include "base/stop_signal.h"
#include "base/test_files.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/checkpoint/folder.h"
#include "trainer/loop/tiny_learner.h"

namespace slimreel {
namespace {

using Lines = std::vector<std::string>;

constexpr int64_t kBatch = 4;
constexpr int64_t kEpochSamples = 8;  // two steps an epoch
constexpr double kNeverMinutes = 1e9;

// Writes a line for each call to RUN/events.txt. A checkpoint that is new since the line before is
// a line, too. Flushes in a row are one line.
class EventWriter : public Observer {
 public:
  explicit EventWriter(const std::string& run_dir)
      : checkpoints_(run_dir + "/checkpoints"), file_(run_dir + "/events.txt") {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    return Write(absl::StrCat("step ", step.step, " of epoch ", step.epoch));
  }
  absl::Status OnEvaluation(const EvaluationRecord& evaluation) override {
    return Write(absl::StrCat("evaluation ", evaluation.step));
  }
  absl::Status Flush() override { return Write("flush"); }
  absl::Status OnEnd(const RunRecord& run) override {
    return Write(
        absl::StrCat("end ", run.steps, run.stopped_by.empty() ? "" : " by ", run.stopped_by));
  }

 private:
  absl::Status Write(const std::string& line) {
    const std::vector<CheckpointEntry> entries = ListCheckpoints(checkpoints_);
    if (!entries.empty() && entries[0].step > newest_) {
      newest_ = entries[0].step;
      last_ = absl::StrCat("checkpoint ", newest_);
      file_ << last_ << std::endl;
    }
    if (line == "flush" && last_ == line) return absl::OkStatus();
    last_ = line;
    file_ << line << std::endl;
    return absl::OkStatus();
  }

  const std::string checkpoints_;
  std::ofstream file_;
  std::string last_;
  int64_t newest_ = 0;
};

// Cannot write step `step`.
class FullDisk : public Observer {
 public:
  explicit FullDisk(int64_t step) : step_(step) {}
  absl::Status OnStep(const StepRecord& step, const MemoryRecord& /*memory*/) override {
    return step.step < step_ ? absl::OkStatus() : absl::ResourceExhaustedError("the disk is full");
  }

 private:
  int64_t step_;
};

// Keeps the memory of the last step and of the end.
class MemoryKeeper : public Observer {
 public:
  struct Kept {
    MemoryRecord step;
    MemoryRecord end;
  };
  explicit MemoryKeeper(Kept* kept) : kept_(kept) {}
  absl::Status OnStep(const StepRecord& /*step*/, const MemoryRecord& memory) override {
    kept_->step = memory;
    return absl::OkStatus();
  }
  absl::Status OnEnd(const RunRecord& run) override {
    kept_->end = run.memory;
    return absl::OkStatus();
  }

 private:
  Kept* kept_;
};

// What happens at one batch of a loader.
struct Incident {
  enum class Kind { kNone, kDamage, kStopBefore, kStopAfter, kOutOfMemory };
  Kind kind = Kind::kNone;
  int64_t batch = 0;  // counted from 0 over the process
};

// A loader with an incident.
class EventfulLoader : public Loader {
 public:
  EventfulLoader(std::unique_ptr<Loader> loader, Incident incident)
      : loader_(std::move(loader)), incident_(incident) {}

  absl::StatusOr<Batch> Next() override {
    const Incident::Kind kind =
        taken_++ == incident_.batch ? incident_.kind : Incident::Kind::kNone;
    if (kind == Incident::Kind::kDamage) return absl::DataLossError("train-0007 is damaged");
    if (kind == Incident::Kind::kStopBefore) RequestStop();
    auto batch = loader_->Next();
    if (kind == Incident::Kind::kStopAfter) RequestStop();
    if (kind == Incident::Kind::kOutOfMemory) fault_.emplace(/*nth=*/5);
    return batch;
  }
  void Seek(const LoaderPosition& position) override { loader_->Seek(position); }
  LoaderPosition position() const override { return loader_->position(); }
  void SetBatchSize(int64_t batch_size) override { loader_->SetBatchSize(batch_size); }
  int64_t batch_size() const override { return loader_->batch_size(); }
  int64_t samples_per_epoch() const override { return loader_->samples_per_epoch(); }
  int64_t batches_per_epoch() const override { return loader_->batches_per_epoch(); }
  const std::vector<std::string>& classes() const override { return loader_->classes(); }
  const std::vector<std::string>& videos() const override { return loader_->videos(); }
  std::vector<uint64_t> ContentIds() const override { return loader_->ContentIds(); }
  std::vector<uint64_t> SourceIds() const override { return loader_->SourceIds(); }
  int64_t video_of(int64_t sample) const override { return loader_->video_of(sample); }
  int64_t buffer_bytes() const override { return loader_->buffer_bytes(); }

 private:
  std::unique_ptr<Loader> loader_;
  Incident incident_;
  int64_t taken_ = 0;
  std::optional<AllocationFault> fault_;
};

// A run of two epochs, two steps each, with an evaluation after each epoch. Every second step is
// logged, and no checkpoint is due by time or by step. The tests change `settings` and `state`.
class TinyRun {
 public:
  // `clips`: of an evaluation; they are one batch if they are more than 6.
  explicit TinyRun(Incident incident = {}, int64_t micro_batch = kBatch, int64_t clips = 6,
                   bool release = false)
      : learner_("video_vit_nano"),
        train_(OpenTinyLoader(kEpochSamples, kBatch), incident),
        validation_(OpenTinyLoader(clips, clips > 6 ? clips : kBatch, /*training=*/false)),
        evaluator_(*learner_.model, validation_.get(), /*max_clips=*/-1, at::kCPU),
        step_(*learner_.model, &learner_.executor, &learner_.optimizer, {},
              PlanOf(learner_, micro_batch, release)) {
    settings.run_dir = TestFolder("run");
    settings.length = {.epoch_samples = kEpochSamples, .total_steps = 4};
    settings.evaluation.strategy = EvaluationStrategy::kEpoch;
    settings.checkpoint.every_minutes = kNeverMinutes;
    settings.checkpoint.keep = 10;
    settings.log_every_steps = 2;
    settings.effective_batch_size = kBatch;
  }

  // `disk_full_at`: the step whose lines cannot be written.
  absl::StatusOr<RunEnd> Run(std::optional<int64_t> disk_full_at = std::nullopt) {
    std::vector<std::unique_ptr<Observer>> observers;
    observers.push_back(std::make_unique<EventWriter>(settings.run_dir));
    observers.push_back(std::make_unique<MemoryKeeper>(&memory));
    if (disk_full_at) observers.push_back(std::make_unique<FullDisk>(*disk_full_at));
    Trainer trainer({.model = learner_.model.get(),
                     .optimizer = &learner_.optimizer,
                     .step = &step_,
                     .train_loader = &train_,
                     .evaluator = &evaluator_},
                    settings, state, std::move(observers));
    auto end = trainer.Run();
    state = trainer.state();
    return end;
  }

  void set_hooks(ExecutorHooks* hooks) { step_.set_hooks(hooks); }

  Lines Events() const {
    return absl::StrSplit(ReadTestFile(settings.run_dir + "/events.txt"), '\n', absl::SkipEmpty());
  }
  // As the newest checkpoint has it.
  TrainState SavedState() const {
    return FindNewestIntact(settings.run_dir + "/checkpoints").value().state;
  }
  bool HasCheckpoint() const { return std::filesystem::exists(settings.run_dir + "/checkpoints"); }

  TrainerSettings settings;
  TrainState state;           // before the run; after it, the trainer's
  MemoryKeeper::Kept memory;  // as reported

 private:
  static Plan PlanOf(const TinyLearner& learner, int64_t micro_batch, bool release) {
    Plan plan = learner.PlanOf("keep", micro_batch);
    plan.release = release;
    return plan;
  }

  TinyLearner learner_;
  EventfulLoader train_;
  std::unique_ptr<Loader> validation_;
  Evaluator evaluator_;
  TrainStep step_;
};

TEST(TrainerTest, StepsEvaluationsAndCheckpointsAreReportedInTheirOrder) {
  TinyRun run;
  run.settings.checkpoint.every_steps = 3;
  const auto end = run.Run();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, RunEnd::kFinished);
  EXPECT_EQ(run.Events(), (Lines{
                              "step 1 of epoch 0", "flush",  // the first step is always logged
                              "step 2 of epoch 0", "flush",  // by log_every_steps
                              "evaluation 2", "flush", "checkpoint 2",       // the first best
                              "step 3 of epoch 1", "flush", "checkpoint 3",  // by every_steps
                              "step 4 of epoch 1", "flush",                  //
                              "evaluation 4", "flush", "checkpoint 4",       // the last step
                              "end 4"                                        //
                          }));
}

TEST(TrainerTest, TheStateCountsStepsSamplesAndEpochsAndNamesTheBest) {
  TinyRun run;
  ASSERT_TRUE(run.Run().ok());
  const TrainState saved = run.SavedState();
  EXPECT_EQ(saved, run.state);
  EXPECT_EQ(saved.step, 4);
  EXPECT_EQ(saved.samples_seen, 16);
  EXPECT_EQ(saved.loader_epoch, 2);
  EXPECT_EQ(saved.loader_next_sample, 0);
  EXPECT_EQ(saved.evaluated_step, 4);
  EXPECT_EQ(saved.best_metric, "top1");
  EXPECT_TRUE(saved.best_step == 2 || saved.best_step == 4) << saved.best_step;
  EXPECT_EQ(saved.micro_batch, kBatch);
  EXPECT_EQ(saved.schedule, "keep");
  EXPECT_EQ(saved.oom_retries, 0);
  EXPECT_TRUE(saved.finished);
  EXPECT_GT(saved.peaks.device, 0);
  EXPECT_GT(saved.peaks.loader, 0);
}

int64_t Sum(const BytesByTag& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), int64_t{0});
}

TEST(TrainerTest, ReportedTagsSumToTheReportedBytesAndPhasesKeepTheirPeaks) {
  ResetCpuPeaks();
  TinyRun run;
  ASSERT_TRUE(run.Run().ok());
  const MemoryRecord& step = run.memory.step;
  EXPECT_EQ(Sum(step.live_by_tag), step.live_bytes);
  EXPECT_EQ(Sum(step.peak_by_tag), step.peak_bytes);
  EXPECT_GT(At(step.live_by_tag, MemoryTag::kParameters), 0);
  const MemoryRecord& end = run.memory.end;
  EXPECT_EQ(Sum(end.peak_by_tag), end.peak_bytes);
  const MemoryPeak& train = At(end.peak_by_phase, MemoryPhase::kTrain);
  const MemoryPeak& evaluate = At(end.peak_by_phase, MemoryPhase::kEvaluate);
  EXPECT_EQ(train.bytes, end.peak_bytes);
  EXPECT_GT(evaluate.bytes, 0);
  EXPECT_LT(evaluate.bytes, train.bytes) << "an evaluation keeps nothing for backward";
  EXPECT_EQ(At(evaluate.by_tag, MemoryTag::kGradients), 0);
  EXPECT_EQ(run.SavedState().peaks.by_phase, end.peak_by_phase);
}

TEST(TrainerTest, AResumedRunKeepsThePeaksByPhaseOfTheProcessesBefore) {
  TinyRun run;
  MemoryPeak& before = At(run.state.peaks.by_phase, MemoryPhase::kEvaluate);
  before = {.bytes = int64_t{1} << 40, .by_tag = {0, 0, 0, 0, int64_t{1} << 40, 0}};
  run.state.peaks.device = before.bytes;
  const MemoryPeak expected = before;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(At(run.memory.end.peak_by_phase, MemoryPhase::kEvaluate), expected);
  EXPECT_EQ(run.memory.end.peak_by_tag, expected.by_tag);
  EXPECT_EQ(Highest(run.SavedState().peaks.by_phase), expected);
}

TEST(TrainerTest, ThePeakOfAVersionWithoutTagsHasNone) {
  TinyRun run;
  run.state.peaks.device = int64_t{1} << 40;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.memory.end.peak_bytes, int64_t{1} << 40);
  EXPECT_EQ(run.memory.end.peak_by_tag, BytesByTag{});
  EXPECT_GT(At(run.memory.end.peak_by_phase, MemoryPhase::kTrain).bytes, 0);
}

// trainer.limit_train_batches: half of the loader's samples are an epoch.
TEST(TrainerTest, AfterAShortenedEpochTheNextEpochOfTheLoaderFollows) {
  TinyRun run;
  run.settings.length = {.epoch_samples = kEpochSamples / 2, .total_steps = 2};
  run.settings.evaluation.strategy = EvaluationStrategy::kNo;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 1", "flush",
                                 "checkpoint 2", "end 2"}));
  EXPECT_EQ(run.state.loader_epoch, 2);
  EXPECT_EQ(run.state.loader_next_sample, 0);
}

// The highest sum of tensor bytes, beyond what lived before the run was made.
int64_t PeakOfRun(bool evaluates, bool by_micro_batch) {
  const int64_t before = ReadCpuMemory().live_bytes;
  TinyRun run({}, /*micro_batch=*/1, /*clips=*/64);
  if (!evaluates) run.settings.evaluation.strategy = EvaluationStrategy::kNo;
  run.settings.evaluate_by_micro_batch = by_micro_batch;
  ResetCpuPeaks();
  EXPECT_TRUE(run.Run().ok());
  return ReadCpuMemory().peak_live_bytes - before;
}

TEST(TrainerTest, AnEvaluationByMicroBatchesStaysBelowThePeakOfTheSteps) {
  const int64_t of_steps = PeakOfRun(/*evaluates=*/false, /*by_micro_batch=*/true);
  EXPECT_EQ(PeakOfRun(/*evaluates=*/true, /*by_micro_batch=*/true), of_steps);
  EXPECT_GT(PeakOfRun(/*evaluates=*/true, /*by_micro_batch=*/false), of_steps)
      << "a batch of 64 would pass it";
}

TEST(TrainerTest, TheLastStepIsEvaluatedEvenIfNoRuleAsksForIt) {
  TinyRun run;
  run.settings.length.total_steps = 3;
  run.settings.evaluation.strategy = EvaluationStrategy::kSteps;
  run.settings.evaluation.every_steps = 100;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.Events(),
            (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 0", "flush", "step 3 of epoch 1",
                   "flush", "evaluation 3", "flush", "checkpoint 3", "end 3"}));
  EXPECT_EQ(run.state.evaluated_step, 3);
}

TEST(TrainerTest, AResumedRunFirstMakesTheEvaluationThatIsMissing) {
  TinyRun run;
  run.state.step = 2;
  run.state.samples_seen = 8;
  run.state.loader_epoch = 1;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.Events(), (Lines{"evaluation 2", "flush", "checkpoint 2",  //
                                 "step 3 of epoch 1", "step 4 of epoch 1", "flush", "evaluation 4",
                                 "flush", "checkpoint 4", "end 4"}));
}

TEST(TrainerTest, ARetriedStepIsReportedAtOnceCountedAndWrittenToThePlan) {
  TinyRun run({.kind = Incident::Kind::kOutOfMemory, .batch = 2});
  run.settings.log_every_steps = 100;
  run.settings.evaluation.strategy = EvaluationStrategy::kNo;
  ASSERT_TRUE(run.Run().ok());
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush",                       //
                                 "step 2 of epoch 0", "step 3 of epoch 1", "flush",  // retried
                                 "step 4 of epoch 1", "flush", "checkpoint 4", "end 4"}));
  EXPECT_EQ(run.state.oom_retries, 1);
  EXPECT_EQ(run.state.micro_batch, kBatch);
  EXPECT_EQ(run.state.schedule, "checkpoint");
  const auto plan = nlohmann::json::parse(ReadTestFile(run.settings.run_dir + "/plan.json"));
  EXPECT_EQ(plan["schedule"], "checkpoint");
}

TEST(TrainerTest, AnErrorOfTheLoaderSavesWhatWasLearntAndKeepsItsCode) {
  TinyRun run({.kind = Incident::Kind::kDamage, .batch = 3});
  const absl::Status status = run.Run().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable);
  for (const std::string& part :
       {std::string("train-0007 is damaged"),
        absl::StrCat("The state of step 3 was saved in ", run.settings.run_dir, "/checkpoints/",
                     CheckpointName(3))}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 0", "flush",
                                 "evaluation 2", "flush", "checkpoint 2", "step 3 of epoch 1",
                                 "flush", "checkpoint 3", "end 3 by error"}));
  EXPECT_EQ(run.SavedState().step, 3);
  EXPECT_FALSE(run.SavedState().finished);
}

TEST(TrainerTest, AnErrorRightAfterACheckpointWritesNoOther) {
  TinyRun run({.kind = Incident::Kind::kDamage, .batch = 2});
  const absl::Status status = run.Run().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("The state of step 2 is in "), absl::string_view::npos) << status;
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 0", "flush",
                                 "evaluation 2", "flush", "checkpoint 2", "end 2 by error"}));
}

// Takes all memory away after the first update of step 3.
class StarveInStepThree : public ExecutorHooks {
 public:
  ~StarveInStepThree() override { SetCpuBudget(0); }
  void BeforeOp(const Op& op) override {
    if (op == Op{OpKind::kForwardKeep, 0}) ++num_steps_;
  }
  void AfterUpdate() override {
    if (num_steps_ == 3) SetCpuBudget(ReadCpuMemory().live_bytes);
  }

 private:
  int num_steps_ = 0;
};

TEST(TrainerTest, AHalfDoneStepIsNeverSaved) {
  TinyRun run({}, kBatch, /*clips=*/6, /*release=*/true);
  run.settings.evaluation.strategy = EvaluationStrategy::kNo;
  absl::Status status;
  {
    StarveInStepThree hooks;
    run.set_hooks(&hooks);
    status = run.Run().status();
  }
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
  EXPECT_NE(status.message().find("step 3 is half done"), absl::string_view::npos) << status;
  EXPECT_FALSE(run.HasCheckpoint()) << "steps 1 and 2 are no longer in memory";
}

TEST(TrainerTest, AnErrorBeforeTheFirstStepSavesNothing) {
  TinyRun run({.kind = Incident::Kind::kDamage, .batch = 0});
  EXPECT_EQ(run.Run().status(), absl::DataLossError("train-0007 is damaged"));
  EXPECT_EQ(run.Events(), Lines{});
  EXPECT_FALSE(run.HasCheckpoint());
}

// Such a checkpoint would claim lines that are not there.
TEST(TrainerTest, NoCheckpointFollowsALineThatCouldNotBeWritten) {
  TinyRun run;
  run.settings.evaluation.strategy = EvaluationStrategy::kNo;
  EXPECT_EQ(run.Run(/*disk_full_at=*/2).status(), absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(run.state.step, 2);
  EXPECT_FALSE(run.HasCheckpoint());
}

// The stop flag cannot be cleared, so these runs have a process of their own. It repeats the test
// from its start, in the same folder.
[[noreturn]] void RunAndExit(TinyRun& run) {
  const auto end = run.Run();
  const bool stopped = end.ok() && *end == RunEnd::kStopped;
  _exit(static_cast<int>(stopped ? ExitCode::kStopped : ExitCode::kInternal));
}

class TrainerDeathTest : public ::testing::Test {
 protected:
  TrainerDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  const testing::ExitedWithCode stopped_{static_cast<int>(ExitCode::kStopped)};
};

// The step is the last of its epoch. The resumed run makes its evaluation.
TEST_F(TrainerDeathTest, AStopDuringAStepFinishesTheStepAndSavesIt) {
  TinyRun run({.kind = Incident::Kind::kStopAfter, .batch = 1});
  EXPECT_EXIT(RunAndExit(run), stopped_, "");
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 0", "flush",
                                 "checkpoint 2", "end 2 by signal"}));
  const TrainState saved = run.SavedState();
  EXPECT_EQ(saved.step, 2);
  EXPECT_EQ(saved.samples_seen, 8);
  EXPECT_EQ(saved.evaluated_step, -1);
  EXPECT_FALSE(saved.finished);
}

TEST_F(TrainerDeathTest, AStopWhileABatchIsLoadedSavesTheStepBefore) {
  TinyRun run({.kind = Incident::Kind::kStopBefore, .batch = 3});
  EXPECT_EXIT(RunAndExit(run), stopped_, "");
  EXPECT_EQ(run.Events(), (Lines{"step 1 of epoch 0", "flush", "step 2 of epoch 0", "flush",
                                 "evaluation 2", "flush", "checkpoint 2", "step 3 of epoch 1",
                                 "flush", "checkpoint 3", "end 3 by signal"}));
  const TrainState saved = run.SavedState();
  EXPECT_EQ(saved.step, 3);
  EXPECT_EQ(saved.loader_epoch, 1);
  EXPECT_EQ(saved.loader_next_sample, kBatch);
}

TEST_F(TrainerDeathTest, AStopDuringTheLastStepLeavesTheRunUnfinishedUntilItIsEvaluated) {
  TinyRun run({.kind = Incident::Kind::kStopAfter, .batch = 3});
  EXPECT_EXIT(RunAndExit(run), stopped_, "");
  EXPECT_EQ(run.SavedState().step, 4);
  EXPECT_FALSE(run.SavedState().finished);
}

}  // namespace
}  // namespace slimreel
