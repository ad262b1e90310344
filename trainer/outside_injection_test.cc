// Lets allocations outside of the step run out of memory: while weights are loaded, a run is
// resumed, or a model is evaluated, by train or by evaluate. Each must end in a retry with the same
// result, or in exit code 4 with nothing half written; and the run then goes on, bit for bit.
// (A save of these models allocates no tensor: outside_peaks_test.)
//
//   --every=N   tries every N-th allocation, and the first and last five; 1: all
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/exit_code.h"
#include "base/init_logging.h"
#include "base/logging.h"
#include "base/test_files.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/evaluation_data.h"
#include "trainer/inference_flags.h"
#include "trainer/setup/train_command.h"
#include "trainer/setup/trained_model.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;  // content by relative path
using Overrides = std::vector<ConfigOverride>;

int64_t every = 37;  // --every

bool IsTried(int64_t nth, int64_t count) { return nth % every == 0 || nth < 5 || nth >= count - 5; }

// Counts the allocations of a start, until a batch is charged or planning takes the hook.
class StartCounter final : public AllocationHook {
 public:
  StartCounter() { AddCpuAllocationHook(this); }
  ~StartCounter() override { RemoveCpuAllocationHook(this); }
  StartCounter(const StartCounter&) = delete;
  StartCounter& operator=(const StartCounter&) = delete;
  int64_t num_seen() const { return num_seen_; }

  void BeforeAllocate(AllocationKind kind, int64_t /*bytes*/) override {
    started_ = started_ || kind == AllocationKind::kCharge;
    num_seen_ += started_ ? 0 : 1;
  }

 private:
  int64_t num_seen_ = 0;
  bool started_ = false;
};

// An AllocationFault from the first step on. Planning takes the allocator's hook for itself, so the
// fault begins when the run logs its steps.
class FaultInSteps final : public google::LogSink {
 public:
  explicit FaultInSteps(int64_t nth) : nth_(nth) { google::AddLogSink(this); }
  ~FaultInSteps() override { google::RemoveLogSink(this); }
  int64_t num_seen() const { return fault_ ? fault_->num_seen() : 0; }
  bool thrown() const { return fault_ && fault_->thrown(); }

  void send(google::LogSeverity /*severity*/, const char* /*path*/, const char* /*file*/,
            int /*line*/, const google::LogMessageTime& /*time*/, const char* message,
            size_t length) override {
    const bool begins = absl::string_view(message, length).find(" samples in micro-batches of ") !=
                        absl::string_view::npos;
    if (begins) fault_.emplace(nth_, AllocationFault::Where::kWhileCharged);
  }

 private:
  int64_t nth_;
  std::optional<AllocationFault> fault_;
};

Files FilesBelow(const std::string& folder) {
  Files files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    files[name] = entry.is_regular_file() ? ReadTestFile(entry.path().string()) : "";
  }
  return files;
}

class OutsideInjectionTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ResetCpuPeaks();  // a run's peak is that of its process
    folder_ = TestFolder(absl::StrCat("outside_", GetParam()));
  }

  std::string Path(const std::string& run) const { return absl::StrCat(folder_, "/", run); }

  // Runs train in this process, silently, for `steps` steps of two samples, each evaluated. Live
  // bytes are the same before and after.
  absl::Status Train(const std::string& run, int steps, const Overrides& more = {}) const {
    Overrides overrides = {{"seed", "3"},
                           {"model.name", GetParam()},
                           {"model.num_classes", "3"},
                           {"model.dropout", "0.1"},
                           {"data.train", "synthetic:4"},
                           {"data.val", "synthetic:4"},
                           {"data.img_size", "32"},
                           {"data.num_frames", "8"},
                           {"data.batch_size", "2"},
                           {"train.max_steps", absl::StrCat(steps)},
                           {"evaluation.strategy", "steps"},
                           {"evaluation.every_steps", "1"},
                           {"dataloader.num_workers", "0"},
                           {"trainer.progress", "false"}};
    if (GetParam() == "r3d_nano") overrides.push_back({"model.norm_group", "1"});
    overrides.insert(overrides.end(), more.begin(), more.end());
    const int64_t before = ReadCpuMemory().live_bytes;
    std::ostringstream output;
    std::streambuf* const old = std::cout.rdbuf(output.rdbuf());
    TrainCommand command;
    command.run = Path(run);
    const absl::Status status = RunTrainCommand(command, overrides);
    std::cout.rdbuf(old);
    EXPECT_EQ(ReadCpuMemory().live_bytes, before) << "the run leaked";
    return status;
  }

  // Fingerprints of the newest checkpoint's tensors: equal if and only if all bits are.
  std::map<std::string, FileFingerprint> Tensors(const std::string& run) const {
    const auto checkpoints = ListCheckpoints(Path(run) + "/checkpoints");
    if (checkpoints.empty()) return {};
    auto state = VerifyCheckpoint(checkpoints[0].path);
    EXPECT_TRUE(state.ok()) << state.status();
    std::erase_if(state->files, [](const auto& file) { return file.first == kConfigFile; });
    return state->files;
  }

  nlohmann::json Metrics(const std::string& run) const {
    return nlohmann::json::parse(ReadTestFile(Path(run) + "/summary.json"))["metrics"];
  }

  int64_t CountStart(const std::string& run, int steps, const Overrides& more = {}) const {
    const StartCounter counter;
    EXPECT_TRUE(Train(run, steps, more).ok());
    return counter.num_seen();
  }
  // Allocations of steps and, unless `more` forbids it, evaluations.
  int64_t CountCharged(const std::string& run, int steps, const Overrides& more = {}) const {
    const FaultInSteps counter(AllocationFault::kNever);
    EXPECT_TRUE(Train(run, steps, more).ok());
    return counter.num_seen();
  }

  std::string folder_;
};

TEST_P(OutsideInjectionTest, AStartThatFailsWritesNothingAndTheNextOneIsUndisturbed) {
  ASSERT_TRUE(Train("pretrained", 1).ok());
  const Overrides weights = {{"model.weights", Path("pretrained") + "/checkpoints/" +
                                                   CheckpointName(1) + "/" + kModelFile}};
  const int64_t count = CountStart("undisturbed", 1, weights);
  ASSERT_GT(count, 100) << "the model, its weights and the optimizer";
  for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth, count)) continue;
    const AllocationFault fault(nth);
    const absl::Status status = Train("new", 1, weights);
    EXPECT_TRUE(fault.thrown());
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << nth << ": " << status;
    EXPECT_FALSE(fs::exists(Path("new"))) << nth;
  }
  ASSERT_TRUE(Train("new", 1, weights).ok());
  EXPECT_EQ(Tensors("new"), Tensors("undisturbed"));
}

TEST_P(OutsideInjectionTest, AResumeThatFailsChangesNoFileAndTheNextOneIsUndisturbed) {
  ASSERT_TRUE(Train("undisturbed", 1).ok());
  fs::copy(Path("undisturbed"), Path("run"),
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const Files before = FilesBelow(Path("run"));
  const int64_t count = CountStart("undisturbed", 2);
  for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth, count)) continue;
    const AllocationFault fault(nth);
    const absl::Status status = Train("run", 2);
    EXPECT_TRUE(fault.thrown());
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << nth << ": " << status;
    EXPECT_EQ(FilesBelow(Path("run")), before) << nth;
  }
  ASSERT_TRUE(Train("run", 2).ok());
  EXPECT_EQ(Tensors("run"), Tensors("undisturbed"));
}

TEST_P(OutsideInjectionTest, AnEvaluationInTrainingIsDoneAgainWithFewerClips) {
  const int64_t steps_only = CountCharged("steps", 1, {{"evaluation.strategy", "no"}});
  const int64_t count = CountCharged("undisturbed", 1);
  ASSERT_GT(count, steps_only + 50);
  const nlohmann::json expected = Metrics("undisturbed");
  for (int64_t nth = steps_only; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth - steps_only, count - steps_only)) continue;
    fs::remove_all(Path("run"));
    const FaultInSteps fault(nth);
    const absl::Status status = Train("run", 1);
    EXPECT_TRUE(fault.thrown());
    ASSERT_TRUE(status.ok()) << nth << ": " << status;
    EXPECT_EQ(Tensors("run"), Tensors("undisturbed")) << nth;
    const nlohmann::json metrics = Metrics("run");
    for (const char* name : {"top1", "clips", "videos"}) {
      EXPECT_EQ(metrics[name], expected[name]) << name << " at " << nth;
    }
    EXPECT_NEAR(metrics["loss"].get<double>(), expected["loss"].get<double>(), 1e-6) << nth;
  }
}

TEST_P(OutsideInjectionTest, AfterAnEvaluationThatFailsForGoodTheRunGoesOnBitForBit) {
  const Overrides one = {{"data.eval_batch_size", "1"}};
  const int64_t steps_only =
      CountCharged("steps", 1, {{"evaluation.strategy", "no"}, {"data.eval_batch_size", "1"}});
  const int64_t count = CountCharged("short", 1, one);
  ASSERT_TRUE(Train("undisturbed", 2, one).ok());
  for (int64_t nth = steps_only; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth - steps_only, count - steps_only)) continue;
    fs::remove_all(Path("run"));
    {
      const FaultInSteps fault(nth);
      const absl::Status status = Train("run", 2, one);
      EXPECT_TRUE(fault.thrown());
      EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << nth << ": " << status;
    }
    EXPECT_EQ(ListCheckpoints(Path("run") + "/checkpoints").size(), 1u) << "step 1 was saved";
    ASSERT_TRUE(Train("run", 2, one).ok()) << nth;
    EXPECT_EQ(Tensors("run"), Tensors("undisturbed")) << nth;
    EXPECT_EQ(Metrics("run"), Metrics("undisturbed")) << nth;
  }
}

// The budget is the peak of the steps, to the byte: any phase that passed it would be refused.
TEST_P(OutsideInjectionTest, UnderABudgetOfTheStepsPeakNoOtherPhaseIsRefused) {
  ASSERT_TRUE(Train("measured", 1, {{"evaluation.strategy", "no"}}).ok());
  const nlohmann::json summary =
      nlohmann::json::parse(ReadTestFile(Path("measured") + "/summary.json"));
  const Overrides budget = {
      {"memory.budget", absl::StrCat(summary["peak_bytes"]["device"].get<int64_t>())}};
  const int64_t refusals = ReadCpuMemory().num_refusals;
  const absl::Status fresh = Train("run", 1, budget), resumed = Train("run", 2, budget);
  EXPECT_TRUE(fresh.ok()) << fresh;
  EXPECT_TRUE(resumed.ok()) << resumed;
  EXPECT_EQ(ReadCpuMemory().num_refusals, refusals);
  SetCpuBudget(0);
}

// What //trainer:evaluate does. None: it ends with exit code 4.
std::optional<EvaluationMetrics> EvaluateRun(const std::string& run) {
  std::optional<EvaluationMetrics> metrics;
  const bool fits = FitsInMemory([&] {
    const auto trained = LoadTrainedModel(run, "latest");
    ASSERT_TRUE(trained.ok()) << trained.status();
    InferenceFlags flags;
    flags.run = run;
    flags.split = "val";
    const auto loader = OpenEvaluationData(*trained, flags);
    ASSERT_TRUE(loader.ok()) << loader.status();
    const auto result = Evaluator(*trained->model, loader->get(), -1, trained->device).Run();
    ASSERT_TRUE(result.ok()) << result.status();
    metrics = result->metrics;
  });
  return fits ? metrics : std::nullopt;
}

TEST_P(OutsideInjectionTest, EvaluateGivesTheSameMetricsOrSaysThatNothingFits) {
  ASSERT_TRUE(Train("run", 1).ok());
  const Files before = FilesBelow(Path("run"));
  const EvaluationMetrics expected = EvaluateRun(Path("run")).value();
  int64_t count = 0;
  {
    const AllocationFault counter(AllocationFault::kNever);
    EvaluateRun(Path("run"));
    count = counter.num_seen();
  }
  const int64_t live = ReadCpuMemory().live_bytes;
  int64_t scored = 0, refused = 0;
  for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth, count)) continue;
    const AllocationFault fault(nth);
    const std::optional<EvaluationMetrics> metrics = EvaluateRun(Path("run"));
    EXPECT_TRUE(fault.thrown());
    EXPECT_EQ(ReadCpuMemory().live_bytes, live) << nth;
    ++(metrics ? scored : refused);
    if (!metrics) continue;
    EXPECT_EQ(metrics->clips, expected.clips);
    for (size_t i = 0; i < expected.values.size(); ++i) {
      EXPECT_NEAR(metrics->values[i].second, expected.values[i].second, 1e-6) << nth;
    }
  }
  EXPECT_GE(scored, 5);
  EXPECT_GE(refused, 5) << "while the model was loaded";
  EXPECT_EQ(FilesBelow(Path("run")), before);
}

INSTANTIATE_TEST_SUITE_P(Models, OutsideInjectionTest,
                         testing::Values("video_vit_nano", "r3d_nano"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  slimreel::InitLogging(argv[0], /*quiet=*/false);  // FaultInSteps reads the log
  slimreel::InstallCpuAllocator();
  testing::InitGoogleTest(&argc, argv);
  constexpr char kEvery[] = "--every=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kEvery, std::strlen(kEvery)) != 0) continue;
    slimreel::every = std::max(1LL, std::atoll(argv[i] + std::strlen(kEvery)));
  }
  return RUN_ALL_TESTS();
}
