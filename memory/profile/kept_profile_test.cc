// Profiles from the cache against profiles that were measured.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/test_files.h"
#include "memory/executor/executor.h"
#include "memory/executor/test_chains.h"
#include "memory/profile/chain_profiler.h"
#include "memory/profile/profile_folder.h"
#include "memory/profile/replay.h"

namespace slimreel {
namespace {

StageContext Context() {
  StageContext context;
  context.training = true;
  context.loss_denominator = 6.0;
  return context;
}

ProfileInput InputOf(const TestChain& chain) {
  ProfileInput input;
  input.micro_batch = chain.inputs[0].size(0);
  input.context = Context();
  input.inputs = chain.inputs;
  return input;
}

ChainProfile ProfileOf(const TestChain& chain, const ProfileInput& input, ProfileCache* cache) {
  const Executor executor(chain.Chain());
  return ChainProfiler(chain.Chain(), executor.frozen_prefix(), at::kCPU, cache).Profile(input);
}

using Stages = std::vector<std::shared_ptr<const StageProfile>>;

// Equal numbers, times included, and shared by the same stages.
void ExpectEqual(const Stages& a, const Stages& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(*a[i] == *b[i]) << "stage " << i;
    for (size_t j = 0; j < i; ++j) EXPECT_EQ(a[i] == a[j], b[i] == b[j]) << i << " and " << j;
  }
}

void ExpectEqual(const ChainProfile& a, const ChainProfile& b) {
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.micro_batch, b.micro_batch);
  EXPECT_EQ(a.input_bytes, b.input_bytes);
  EXPECT_EQ(a.unexplained_bytes, b.unexplained_bytes);
  ExpectEqual(a.prefix, b.prefix);
  ExpectEqual(a.stages, b.stages);
}

ProfileFolder Open(const std::string& folder, const std::string& what = "chain") {
  return ProfileFolder({folder, "here", what});
}

class KeptProfileTest : public testing::TestWithParam<std::string> {};

TEST_P(KeptProfileTest, EqualsTheMeasuredOneAndPredictsTheSame) {
  const TestChain chain = MakeTestChain(GetParam());
  const std::string folder = TestFolder("profiles");
  ProfileFolder first = Open(folder);
  const ChainProfile measured = ProfileOf(chain, InputOf(chain), &first);
  const TestChain again = MakeTestChain(GetParam());
  ProfileFolder second = Open(folder);
  const ChainProfile kept = ProfileOf(again, InputOf(again), &second);
  ExpectEqual(kept, measured);
  for (const Schedule& schedule : TestSchedules(static_cast<int>(kept.stages.size()))) {
    const ReplayPeak of_kept = ReplayStep(schedule, {&kept, &kept});
    const ReplayPeak of_measured = ReplayStep(schedule, {&measured, &measured});
    EXPECT_EQ(of_kept.bytes, of_measured.bytes);
    EXPECT_EQ(of_kept.ms, of_measured.ms);
  }
}

INSTANTIATE_TEST_SUITE_P(Chains, KeptProfileTest, testing::ValuesIn(TestChainNames()));

// Counts its runs. All of them do the same work, and say so.
class CountedStage : public LambdaStage {
 public:
  CountedStage(std::string name, const Tensors& parameters, int* runs, Body body)
      : LambdaStage(std::move(name), parameters, {}, std::move(body)), runs_(runs) {}
  Tensors Forward(const StageContext& context, Tensors in) override {
    ++*runs_;
    return LambdaStage::Forward(context, std::move(in));
  }
  void AddBuffer(const at::Tensor& buffer) {
    state_.buffers.push_back({name() + ".running", buffer});
  }
  std::string signature() const override { return parameters().empty() ? name() : "dense"; }

 private:
  int* runs_;
};

// What may differ between two runs.
struct Case {
  int64_t batch = 6;
  int64_t rows = 8;  // of the weights; only 8 are used
  at::ScalarType dtype = at::kFloat;
  bool transposed = false;  // strides of the weights
  int64_t running = 0;      // elements of a buffer of the first stage
  bool first_is_frozen = false;
  std::string what = "chain";
  std::function<void(ProfileInput&)> change = [](ProfileInput&) {};
};

// Profiles a chain of four equal stages and a loss; returns how often one of its stages ran.
int RunsToProfile(const std::string& folder, const Case& c, ChainProfile* profile = nullptr) {
  int runs = 0;
  TestChain chain;
  const auto options = at::TensorOptions(c.dtype);
  for (int i = 0; i < 4; ++i) {
    at::Tensor weight = at::zeros({c.rows, 8}, options);
    if (c.transposed) weight = weight.t().contiguous().t();
    weight.requires_grad_(i > 0 || !c.first_is_frozen);
    auto stage = std::make_unique<CountedStage>(
        "s" + std::to_string(i), Tensors{weight}, &runs,
        [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
          return {at::tanh(at::matmul(in[0], p[0].narrow(0, 0, 8).to(in[0].scalar_type())))};
        });
    if (i == 0 && c.running > 0) stage->AddBuffer(at::zeros({c.running}));
    chain.stages.push_back(std::move(stage));
  }
  chain.stages.push_back(std::make_unique<CountedStage>(
      "loss", Tensors{}, &runs,
      [](const StageContext&, const Tensors&, Tensors in) -> Tensors { return {in[0].sum()}; }));
  chain.inputs = {at::zeros({c.batch, 8})};
  ProfileInput input = InputOf(chain);
  c.change(input);
  ProfileFolder cache = Open(folder, c.what);
  const ChainProfile made = ProfileOf(chain, input, &cache);
  if (profile != nullptr) *profile = made;
  return runs;
}

TEST(KeptProfileTest, NoStageRunsForAProfileThatIsKept) {
  const std::string folder = TestFolder("profiles");
  ChainProfile measured, kept;
  const int runs = RunsToProfile(folder, {}, &measured);
  EXPECT_GT(runs, 0);
  EXPECT_EQ(RunsToProfile(folder, {}, &kept), 0);
  EXPECT_EQ(kept.stages[1], kept.stages[2]);
  ExpectEqual(kept, measured);
}

TEST(KeptProfileTest, AStageThatIsMeasuredLaterIsAddedToThoseThatAreKept) {
  const std::string folder = TestFolder("profiles");
  const Case one = {.change = [](ProfileInput& input) { input.later_micro_batches = false; }};
  EXPECT_GT(RunsToProfile(folder, one), 0);
  EXPECT_GT(RunsToProfile(folder, {}), 0);
  EXPECT_EQ(RunsToProfile(folder, one), 0);
  EXPECT_EQ(RunsToProfile(folder, {}), 0);
}

TEST(KeptProfileTest, UnderOtherConditionsStagesAreMeasuredAgain) {
  const std::string folder = TestFolder("profiles");
  ASSERT_GT(RunsToProfile(folder, {}), 0);
  const at::Tensor seed = at::ones({}), labels = at::zeros({6}, at::kLong);
  const Tensors targets = {labels};
  const auto changed = [](std::function<void(ProfileInput&)> change) {
    return Case{.change = std::move(change)};
  };
  const std::vector<std::pair<std::string, Case>> cases = {
      {"micro-batch", {.batch = 5}},
      {"sizes of parameters", {.rows = 9}},
      {"dtype of parameters", {.dtype = at::kDouble}},
      {"strides of parameters", {.transposed = true}},
      {"frozen parameters", {.first_is_frozen = true}},
      {"a buffer", {.running = 3}},
      {"sizes of a buffer", {.running = 4}},
      {"what the chain is", {.what = "another chain"}},
      {"training", changed([](ProfileInput& in) { in.context.training = false; })},
      {"group", changed([](ProfileInput& in) { in.context.norm_group = 2; })},
      {"frozen statistics", changed([](ProfileInput& in) { in.context.norm_frozen = true; })},
      {"autocast", changed([](ProfileInput& in) { in.context.autocast = at::kBFloat16; })},
      {"other autocast", changed([](ProfileInput& in) { in.context.autocast = at::kHalf; })},
      {"targets", changed([&](ProfileInput& in) { in.context.targets = &targets; })},
      {"loss scale", changed([&](ProfileInput& in) { in.loss_gradient = seed; })},
      {"flops", changed([](ProfileInput& in) { in.flops = [] { return int64_t{1}; }; })},
      {"later batches", changed([](ProfileInput& in) { in.later_micro_batches = false; })}};
  for (const auto& [name, c] : cases) {
    EXPECT_GT(RunsToProfile(folder, c), 0) << name;
    EXPECT_EQ(RunsToProfile(folder, c), 0) << name;
  }
  EXPECT_EQ(RunsToProfile(folder, {}), 0);
}

}  // namespace
}  // namespace slimreel
