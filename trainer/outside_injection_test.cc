// Lets allocations outside of the step run out of memory: while weights are loaded, a run is
// resumed, or a model is evaluated, by train or by evaluate. Each must end in a retry with the same
// result, or in exit code 4 with nothing half written; and the run then goes on, bit for bit. A
// failure while the run is planned may also end in another plan, which the run states.
// (A save of these models allocates no tensor: outside_peaks_test.)
// injection_sample.h says which allocations are tried.
#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>

#include <cstdlib>
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
#include "base/exit_code.h"
#include "base/init_logging.h"
#include "base/test_files.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/evaluation_data.h"
#include "trainer/inference_flags.h"
#include "trainer/injection_sample.h"
#include "trainer/setup/train_command.h"
#include "trainer/setup/trained_model.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;  // content by relative path
using Overrides = std::vector<ConfigOverride>;

// Counts the allocations of a start, planning included, until the first batch is charged.
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

// No batch is charged while a run is planned, so this begins with the steps.
constexpr auto kInSteps = AllocationFault::Where::kWhileCharged;

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
    const AllocationFault counter(AllocationFault::kNever, kInSteps);
    EXPECT_TRUE(Train(run, steps, more).ok());
    return counter.num_seen();
  }

  // Makes `to` a copy of `from`, or removes it if there is no `from`.
  void CopyRun(const std::string& from, const std::string& to) const {
    fs::remove_all(Path(to));
    if (!fs::exists(Path(from))) return;
    fs::copy(Path(from), Path(to), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }

  void ExpectSameResult(const std::string& run, const std::string& undisturbed);
  void FailStarts(const std::string& run, int steps, const Overrides& more,
                  const std::string& before);

  std::string folder_;
  int64_t num_other_splits_ = 0;
};

// So that rounding shows no more than it must.
const Overrides kExact = {{"trainer.precision", "64"}};

// Compares a run that ended well with the undisturbed one: the same bits if the split is the same,
// and otherwise, under the split that it states, the same weights up to rounding.
void OutsideInjectionTest::ExpectSameResult(const std::string& run,
                                            const std::string& undisturbed) {
  const nlohmann::json plan = nlohmann::json::parse(ReadTestFile(Path(run) + "/plan.json"));
  const nlohmann::json expected =
      nlohmann::json::parse(ReadTestFile(Path(undisturbed) + "/plan.json"));
  if (plan["micro_batch"] == expected["micro_batch"]) {
    EXPECT_EQ(Tensors(run), Tensors(undisturbed));
    return;
  }
  ++num_other_splits_;
  const auto a = LoadTrainedModel(Path(run), "latest");
  const auto b = LoadTrainedModel(Path(undisturbed), "latest");
  ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
  const std::vector<NamedTensor> mine = Parameters(*a->model), other = Parameters(*b->model);
  ASSERT_EQ(mine.size(), other.size());
  for (size_t i = 0; i < mine.size(); ++i) {
    EXPECT_TRUE(at::allclose(mine[i].tensor, other[i].tensor, 1e-8, 1e-10)) << mine[i].name;
  }
}

// Fails allocations of a start of `run`. `steps`: where the run ends. What a failed start leaves is
// what `before` holds.
void OutsideInjectionTest::FailStarts(const std::string& run, int steps, const Overrides& more,
                                      const std::string& before) {
  const int64_t count = CountStart("undisturbed", steps, more);
  ASSERT_GT(count, 100) << "the model, its weights, the optimizer, and what planning measures";
  const Files files = FilesBelow(Path(before));
  int64_t refused = 0, finished = 0;
  for (int64_t nth = 0; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth, count)) continue;
    SCOPED_TRACE("allocation " + std::to_string(nth));
    CopyRun(before, run);
    const AllocationFault fault(nth);
    const absl::Status status = Train(run, steps, more);
    EXPECT_TRUE(fault.thrown());
    ++(status.ok() ? finished : refused);
    if (status.ok()) {
      ExpectSameResult(run, "undisturbed");
      continue;
    }
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kNothingFits) << status;
    EXPECT_NE(status.message().find("memory"), std::string::npos) << status;
    EXPECT_EQ(FilesBelow(Path(run)), files);
  }
  EXPECT_GE(refused, 5) << "while the model was made";
  EXPECT_GE(finished, 5) << "while the run was planned";
  std::cout << GetParam() << ": " << count << " allocations until the first step; " << refused
            << " failures refused the run, " << finished << " did not, " << num_other_splits_
            << " of them by another split\n";
  CopyRun(before, run);
  ASSERT_TRUE(Train(run, steps, more).ok());
  EXPECT_EQ(Tensors(run), Tensors("undisturbed")) << "after all failures";
}

TEST_P(OutsideInjectionTest, AFailedStartWritesNothingAndOneThatGoesOnGivesTheSameResult) {
  ASSERT_TRUE(Train("pretrained", 1, kExact).ok());
  Overrides weights = kExact;
  weights.push_back({"model.weights",
                     Path("pretrained") + "/checkpoints/" + CheckpointName(1) + "/" + kModelFile});
  FailStarts("new", 1, weights, "nothing");
}

TEST_P(OutsideInjectionTest, AFailedResumeChangesNoFileAndOneThatGoesOnGivesTheSameResult) {
  ASSERT_TRUE(Train("before", 1, kExact).ok());
  CopyRun("before", "undisturbed");
  FailStarts("run", 2, kExact, "before");
}

TEST_P(OutsideInjectionTest, AnEvaluationInTrainingIsDoneAgainWithFewerClips) {
  const int64_t steps_only = CountCharged("steps", 1, {{"evaluation.strategy", "no"}});
  const int64_t count = CountCharged("undisturbed", 1);
  ASSERT_GT(count, steps_only + 50);
  const nlohmann::json expected = Metrics("undisturbed");
  for (int64_t nth = steps_only; nth < count && !HasFailure(); ++nth) {
    if (!IsTried(nth - steps_only, count - steps_only)) continue;
    fs::remove_all(Path("run"));
    const AllocationFault fault(nth, kInSteps);
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
      const AllocationFault fault(nth, kInSteps);
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
  // A step whose values are logged later holds them until then, and is predicted with them.
  const ConfigOverride at_once = {"trainer.log_every_steps", "1"};
  ASSERT_TRUE(Train("measured", 1, {{"evaluation.strategy", "no"}, at_once}).ok());
  const nlohmann::json summary =
      nlohmann::json::parse(ReadTestFile(Path("measured") + "/summary.json"));
  const Overrides budget = {
      at_once, {"memory.budget", absl::StrCat(summary["peak_bytes"]["device"].get<int64_t>())}};
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
    if (ExitCodeOf(trained.status()) == ExitCode::kNothingFits) return;
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
  slimreel::InitLogging(argv[0], /*quiet=*/true);
  // Every start measures, so that each allocates the same.
  setenv("XDG_CACHE_HOME", "/dev/null/none", /*overwrite=*/1);
  return slimreel::RunInjectionTests(argc, argv, /*every=*/211);
}
