// The cost of running a model as stages, against one connected autograd graph of the same stages:
// CPU time of forward, loss and backward, in interleaved pairs.
//
//   stages_benchmark [MODEL ...] [--pairs=N] [--json]    default: the nano model of each family
//
// It measures CPU time of the whole process, because the wall time of a nano step is mostly noise.
#include <gflags/gflags.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/benchmark/step_batch.h"

DEFINE_int32(pairs, 200, "interleaved pairs of steps per model");
DEFINE_bool(json, false, "one JSON object per model");

namespace slimreel {
namespace {

constexpr int64_t kClasses = 6;
constexpr int64_t kBatch = 2;
constexpr int64_t kTokens = 32;  // of speech models

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Steps {
 public:
  explicit Steps(const std::string& name) {
    ModelSpec spec;
    spec.name = name;
    spec.num_classes = kClasses;
    spec.height = spec.width = 64;
    spec.text_tokens = kTokens;
    model_ = std::move(BuildModel(spec).value());
    executor_ = std::make_unique<Executor>(model_->ChainWithLoss());
    const std::vector<StageMode> modes(executor_->num_scheduled_stages() - 1, StageMode::kKeep);
    schedule_ = MakeSchedule(modes);
    batch_ = MakeStepBatch(*model_, spec, kBatch);
    context_.training = true;
    context_.targets = &batch_.targets;
    context_.loss_denominator = model_->loss->ValidWeight(batch_.targets);
  }

  // CPU seconds of one step.
  double AsStages() {
    const double start = CpuSeconds();
    executor_->Run(schedule_, context_, batch_.inputs);
    return Finish(start);
  }
  double Connected() {
    const double start = CpuSeconds();
    Tensors slots = batch_.inputs;
    for (Stage* stage : model_->ChainWithLoss()) slots = stage->Forward(context_, std::move(slots));
    slots[0].backward();
    return Finish(start);
  }

 private:
  double Finish(double start) {
    CommitLogs(StepLogs(model_->ChainWithLoss()));
    const double seconds = CpuSeconds() - start;
    for (const NamedTensor& named : Parameters(*model_)) {
      at::Tensor parameter = named.tensor;
      parameter.mutable_grad().reset();
    }
    return seconds;
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  Schedule schedule_;
  StageContext context_;
  StepBatch batch_;
};

void Compare(const std::string& name) {
  Steps steps(name);
  steps.AsStages();
  steps.Connected();
  std::vector<double> ratios;
  for (int pair = 0; pair < FLAGS_pairs; ++pair) {
    // The two take turns in going first, so that neither has warmer caches.
    const bool stages_first = pair % 2 == 0;
    const double first = stages_first ? steps.AsStages() : steps.Connected();
    const double second = stages_first ? steps.Connected() : steps.AsStages();
    ratios.push_back(stages_first ? first / second : second / first);
  }
  std::sort(ratios.begin(), ratios.end());
  const double median = ratios[ratios.size() / 2];
  if (FLAGS_json) {
    std::printf("{\"model\": \"%s\", \"pairs\": %d, \"cpu_time_ratio\": %.4f}\n", name.c_str(),
                FLAGS_pairs, median);
  } else {
    std::printf(
        "%s as stages: %.3f of one connected graph's CPU time (median of %d pairs, "
        "target <= 1.02)\n",
        name.c_str(), median, FLAGS_pairs);
  }
  std::fflush(stdout);  // models take minutes each
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  slimreel::InstallCpuAllocator(/*reuse=*/true);
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) {
    names = {"r3d_nano", "video_vit_nano", "posec3d_nano", "rgbposeconv3d_nano", "whisper_nano"};
  }
  for (const std::string& name : names) slimreel::Compare(name);
}
