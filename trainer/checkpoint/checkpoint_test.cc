#include "trainer/checkpoint/checkpoint.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "memory/paging/host_pool.h"
#include "trainer/checkpoint/best.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {
namespace {

class Affine : public Stage {
 public:
  explicit Affine(at::ScalarType dtype) : Stage("affine") {
    state_.parameters = {{"affine.weight", at::randn({3, 5}, dtype).set_requires_grad(true)},
                         {"affine.bias", at::randn({3}, dtype).set_requires_grad(true)}};
    state_.buffers = {{"affine.running_mean", at::randn({3})}};
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override { return in; }
};

struct Learner {
  Model model;
  std::unique_ptr<Optimizer> optimizer;
  explicit Learner(const TrainOptions& options = {}, const std::vector<std::string>& freeze = {},
                   at::ScalarType dtype = at::kFloat,
                   const std::optional<LossScaleOptions>& loss_scale = std::nullopt,
                   const StatePaging& paging = {}) {
    model.name = "affine";
    model.stages.push_back(std::make_unique<Affine>(dtype));
    EXPECT_TRUE(FreezeParameters(Parameters(model), freeze).ok());
    optimizer = std::make_unique<Optimizer>(options, MakeParamGroups(Parameters(model), 0.1, false),
                                            loss_scale, paging);
  }
  void Step() {
    for (NamedTensor parameter : Parameters(model)) {
      if (!parameter.tensor.requires_grad()) continue;
      parameter.tensor.mutable_grad() = at::full_like(parameter.tensor, 0.3);
    }
    optimizer->GlobalNormClip(std::nullopt);
    optimizer->Step(0.01);
    optimizer->ZeroGrad();
  }
  SaveRequest Request(const std::string& run, int64_t keep) const {
    return {.run_dir = run,
            .device = "cpu",
            .config = "seed: 5\n",
            .keep = keep,
            .model = &model,
            .optimizer = optimizer.get()};
  }
  // Saves step 1; returns the checkpoint's folder.
  std::string Save(const std::string& run) const {
    TrainState state;
    state.step = 1;
    const absl::Status saved = SaveCheckpoint(Request(run, 3), state).status();
    EXPECT_TRUE(saved.ok()) << saved;
    return run + "/checkpoints/" + CheckpointName(1);
  }
  at::Tensor State(const std::string& name) const {
    for (const NamedTensor& named : optimizer->State()) {
      if (named.name == name) return named.tensor;
    }
    ADD_FAILURE() << "no state " << name;
    return at::zeros({1});
  }
};

void ExpectEqual(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(at::equal(a[i].tensor, b[i].tensor)) << a[i].name;
}

std::string FreshRun() {
  const std::string run = ::testing::TempDir() + "/checkpoint_test_run";
  std::filesystem::remove_all(run);
  return run;
}

TEST(CheckpointTest, ARestoredLearnerGoesOnBitForBit) {
  const std::string run = FreshRun();
  Learner trained;
  trained.Step();
  trained.Save(run);
  const auto found = FindCheckpoint(run, "latest");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.environment, CurrentEnvironment("cpu"));
  Learner restored;
  const auto notes = RestoreTensors(found->path, restored.model, restored.optimizer.get());
  ASSERT_TRUE(notes.ok()) << notes.status();
  EXPECT_TRUE(notes->empty());
  trained.Step();
  restored.Step();
  ExpectEqual(Parameters(trained.model), Parameters(restored.model));
  ExpectEqual(Buffers(trained.model), Buffers(restored.model));
  ExpectEqual(trained.optimizer->State(), restored.optimizer->State());
}

// Paged state is saved from the host and restored to it. The files are those of unpaged state.
TEST(CheckpointTest, PagedAndUnpagedRunsGoOnFromEachOthersCheckpoints) {
  HostPool pool;
  const StatePaging paging{.pool = &pool, .page_bytes = 64};
  for (const bool from_paged : {true, false}) {
    Learner from({}, {}, at::kFloat, std::nullopt, from_paged ? paging : StatePaging());
    from.Step();
    const std::string path = from.Save(FreshRun());
    Learner to({}, {}, at::kFloat, std::nullopt, from_paged ? StatePaging() : paging);
    ASSERT_EQ(to.optimizer->is_paged(), !from_paged);
    const auto notes = RestoreTensors(path, to.model, to.optimizer.get());
    ASSERT_TRUE(notes.ok()) << notes.status();
    EXPECT_TRUE(notes->empty());
    from.Step();
    to.Step();
    ExpectEqual(Parameters(from.model), Parameters(to.model));
    ExpectEqual(from.optimizer->State(), to.optimizer->State());
  }
}

TEST(CheckpointTest, TheConfigurationIsStoredAndVerified) {
  const std::string path = Learner().Save(FreshRun());
  std::ifstream file(path + "/" + kConfigFile);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "seed: 5\n");
  std::ofstream(path + "/" + kConfigFile) << "seed: 6\n";
  EXPECT_EQ(VerifyCheckpoint(path).status().code(), absl::StatusCode::kDataLoss);
}

// Restores a trained learner into `to`. kExact must refuse it; kChanged allows it. Returns the
// notes.
std::vector<std::string> Change(Learner& from, Learner& to) {
  from.Step();
  const std::string path = from.Save(FreshRun());
  EXPECT_FALSE(RestoreTensors(path, to.model, to.optimizer.get()).ok());
  const auto notes = RestoreTensors(path, to.model, to.optimizer.get(), RestoreMode::kChanged);
  EXPECT_TRUE(notes.ok()) << notes.status();
  for (size_t i = 0; i < 2; ++i) {
    const at::Tensor restored = Parameters(to.model)[i].tensor;
    EXPECT_TRUE(at::equal(Parameters(from.model)[i].tensor.to(restored.scalar_type()), restored));
  }
  return notes.ok() ? *notes : std::vector<std::string>();
}

TEST(ChangedRestoreTest, AnotherOptimizerStartsWithFreshState) {
  Learner adam;
  TrainOptions options;
  options.optimizer = OptimizerKind::kSgd;
  Learner sgd(options);
  EXPECT_EQ(Change(adam, sgd), (std::vector<std::string>{
                                   "optimizer state that starts anew: affine.weight, affine.bias",
                                   "optimizer state that is dropped: affine.bias, affine.weight"}));
  EXPECT_TRUE(at::equal(sgd.State("affine.weight.momentum_buffer"), at::zeros({3, 5})));
}

TEST(ChangedRestoreTest, FrozenParametersDropTheirStateAndOthersKeepIt) {
  Learner whole;
  Learner frozen({}, {"affine.bias"});
  EXPECT_EQ(Change(whole, frozen),
            std::vector<std::string>{"optimizer state that is dropped: affine.bias"});
  EXPECT_TRUE(
      at::equal(frozen.State("affine.weight.exp_avg"), whole.State("affine.weight.exp_avg")));
}

TEST(ChangedRestoreTest, NewlyTrainedParametersStartFresh) {
  Learner frozen({}, {"affine.bias"});
  Learner whole;
  EXPECT_EQ(Change(frozen, whole),
            std::vector<std::string>{"optimizer state that starts anew: affine.bias"});
  EXPECT_TRUE(
      at::equal(frozen.State("affine.weight.exp_avg"), whole.State("affine.weight.exp_avg")));
  EXPECT_EQ(whole.State("affine.weight.step").item<float>(), 1);
  EXPECT_EQ(whole.State("affine.bias.step").item<float>(), 0);
}

TEST(ChangedRestoreTest, AnotherPrecisionConvertsWeightsAndState) {
  Learner single;
  Learner twice({}, {}, at::kDouble);
  EXPECT_TRUE(Change(single, twice).empty());
  EXPECT_TRUE(at::equal(single.State("affine.weight.exp_avg").to(at::kDouble),
                        twice.State("affine.weight.exp_avg")));
}

TEST(ChangedRestoreTest, AMissingLossScaleStartsAnewAndAnUnusedOneIsDropped) {
  Learner plain;
  Learner half({}, {}, at::kFloat, LossScaleOptions{.initial = 128.0});
  EXPECT_EQ(Change(plain, half),
            std::vector<std::string>{"optimizer state that starts anew: loss_scale"});
  EXPECT_EQ(half.State("loss_scale.scale").item<float>(), 128);
  Learner back;
  EXPECT_EQ(Change(half, back),
            std::vector<std::string>{"optimizer state that is dropped: loss_scale"});
}

TEST(ChangedRestoreTest, AnotherModelIsStillRefused) {
  Learner trained;
  const std::string path = trained.Save(FreshRun());
  Learner other;
  NamedTensor bias = Parameters(other.model)[1];
  bias.tensor.set_data(at::zeros({4}));
  EXPECT_FALSE(
      RestoreTensors(path, other.model, other.optimizer.get(), RestoreMode::kChanged).ok());
}

// The state after step `step`, which an evaluation found to be the best.
TrainState BestAt(int64_t step, double value, TrainState state) {
  state.step = state.best_step = step;
  state.best_metric = "top1";
  state.best_value = value;
  return state;
}

TEST(CheckpointTest, ABestNamesItsWeights) {
  const std::string run = FreshRun();
  Learner trained;
  auto state = SaveCheckpoint(trained.Request(run, 1), BestAt(1, 0.5, {}));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->best_model, state->files.at(kModelFile));
  const FileFingerprint of_best = state->best_model;
  trained.Step();
  state->step = 2;
  state = SaveCheckpoint(trained.Request(run, 1), *state);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->best_model, of_best);
  EXPECT_NE(state->files.at(kModelFile), of_best);
  EXPECT_EQ(FindCheckpoint(run, "best")->state.step, 1);
}

// The process is killed after a new best was published and before the link was moved.
TEST(CheckpointTest, AKillBetweenPublishingABestAndMovingTheLinkLosesNothing) {
  const std::string run = FreshRun();
  Learner trained;
  const auto first = SaveCheckpoint(trained.Request(run, 1), BestAt(8, 0.5, {}));
  ASSERT_TRUE(first.ok()) << first.status();
  trained.Step();
  const pid_t child = fork();
  if (child == 0) {
    const auto published = PublishCheckpoint(trained.Request(run, 1), BestAt(10, 0.7, *first));
    raise(published.ok() ? SIGKILL : SIGABRT);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  const std::string folder = run + "/checkpoints";
  ASSERT_EQ(std::filesystem::read_symlink(folder + "/best"), CheckpointName(8));

  // `best` finds the new one, and the resumed run does not prune it.
  const auto best = FindCheckpoint(run, "best");
  ASSERT_TRUE(best.ok()) << best.status();
  EXPECT_EQ(best->state.step, 10);
  TrainState state = FindNewestIntact(folder)->state;
  for (const int64_t step : {11, 12}) {
    state.step = step;
    ASSERT_TRUE(SaveCheckpoint(trained.Request(run, 1), state).ok());
  }
  EXPECT_EQ(std::filesystem::read_symlink(folder + "/best"), CheckpointName(10));
  EXPECT_EQ(FindCheckpoint(run, "best")->state.step, 10);
  EXPECT_FALSE(std::filesystem::exists(folder + "/" + CheckpointName(8)));
}

TEST(CheckpointTest, AModelOfOtherShapesIsRefusedAndStaysAsItWas) {
  const std::string run = FreshRun();
  Learner().Save(run);
  Learner other;
  NamedTensor bias = Parameters(other.model)[1];
  bias.tensor.set_data(at::zeros({4}));
  const at::Tensor weight = Parameters(other.model)[0].tensor.detach().clone();
  EXPECT_FALSE(RestoreTensors(FindCheckpoint(run, "latest")->path, other.model, nullptr).ok());
  EXPECT_TRUE(at::equal(weight, Parameters(other.model)[0].tensor));
}

TEST(CheckpointTest, AnUnwritableRunFolderIsAnErrorWithItsPath) {
  Learner trained;
  const absl::Status status =
      SaveCheckpoint(trained.Request("/proc/nowhere", 3), TrainState()).status();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
