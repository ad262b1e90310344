// Predicts the peak of a training step by replay, runs three steps, and prints both as one JSON
// line for each configuration of a model. prediction_benchmark.py collects them.
//
//   prediction MODEL [--configs=N] [--seed=S]
//
// The configurations are drawn from sizes, frames, batches, budgets, precisions and optimizers by
// a counter, so they are the same each time. No dry step runs before the prediction.
#include <gflags/gflags.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/benchmark/measured_learner.h"

DEFINE_int32(configs, 8, "configurations of the model");
DEFINE_uint64(seed, 1, "which ones are drawn");

namespace slimreel {
namespace {

template <typename T>
T Pick(std::mt19937_64& random, const std::vector<T>& values) {
  return values[random() % values.size()];
}

MeasuredLearnerOptions Draw(const std::string& model, std::mt19937_64& random) {
  MeasuredLearnerOptions options;
  ModelSpec& spec = options.spec;
  spec.name = model;
  spec.num_classes = Pick<int64_t>(random, {4, 60});
  spec.num_frames = Pick<int64_t>(random, {4, 8, 16});
  spec.height = spec.width = Pick<int64_t>(random, {32, 48, 64});
  spec.heatmap_size = Pick<int64_t>(random, {16, 28, 40});
  if (model.rfind("rgbpose", 0) == 0) spec.heatmap_size.reset();  // follows from the image's size
  spec.audio_frames = Pick<int64_t>(random, {200, 400, 600});
  spec.text_tokens = Pick<int64_t>(random, {16, 48});
  options.effective_batch = Pick<int64_t>(random, {2, 3, 4, 6});
  options.train.optimizer =
      Pick<OptimizerKind>(random, {OptimizerKind::kAdamW, OptimizerKind::kSgd});
  switch (random() % 4) {
    case 0:
      options.autocast = at::kBFloat16;
      break;
    case 1:
      spec.dtype = at::kDouble;
      break;
    default:
      break;
  }
  return options;
}

nlohmann::json Compare(const MeasuredLearnerOptions& options, double share) {
  auto learner = MeasuredLearner::Make(options);
  if (!learner.ok()) return {};
  const auto free = PlanSteps((*learner)->predictor(), (*learner)->Terms(int64_t{1} << 50));
  const int64_t top = (*learner)->Predict((*learner)->Terms(0).configured).peak_bytes;
  const int64_t bottom = free->smallest_budget_bytes;
  const auto budget = bottom + static_cast<int64_t>(share * static_cast<double>(top - bottom));
  const auto planned = PlanSteps((*learner)->predictor(), (*learner)->Terms(budget));
  if (!planned.ok()) return {};
  const MeasuredSteps measured = (*learner)->Run(planned->plan, 3, budget);
  std::vector<double> times = measured.step_ms;
  std::sort(times.begin(), times.end());
  return {
      {"model", options.spec.name},
      {"classes", options.spec.num_classes},
      {"frames", options.spec.num_frames},
      {"size", options.spec.height},
      {"heatmap_size", options.spec.heatmap_size.value_or(options.spec.height / kPixelsPerHeatmap)},
      {"audio_frames", options.spec.audio_frames},
      {"tokens", options.spec.text_tokens},
      {"batch", options.effective_batch},
      {"precision", options.autocast                    ? "bf16"
                    : options.spec.dtype == at::kDouble ? "64"
                                                        : "32"},
      {"optimizer", options.train.optimizer == OptimizerKind::kSgd ? "sgd" : "adamw"},
      {"natural_peak_bytes", top},
      {"smallest_budget_bytes", bottom},
      {"budget_bytes", budget},
      {"plan", DescribePlan(planned->plan)},
      {"predicted_bytes", planned->prediction.peak_bytes},
      {"measured_bytes", measured.peak_bytes},
      {"oom_retries", measured.oom_retries},
      {"predicted_ms", planned->prediction.step_ms},
      {"measured_ms", times[1]}};
}

int Main(const std::string& model) {
  std::mt19937_64 random(FLAGS_seed);
  int done = 0;
  for (int tries = 0; done < FLAGS_configs && tries < 20 * FLAGS_configs; ++tries) {
    const MeasuredLearnerOptions options = Draw(model, random);
    const double share = Pick<double>(random, {1.0, 0.75, 0.5, 0.25, 0.0});
    const nlohmann::json line = Compare(options, share);
    if (line.empty()) continue;  // the model does not take this size
    std::cout << line.dump() << std::endl;
    ++done;
  }
  return done == FLAGS_configs ? 0 : 1;
}

}  // namespace
}  // namespace slimreel

int main(int argc, char** argv) {
  gflags::SetUsageMessage("prediction MODEL [--configs=N] [--seed=S]");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc != 2) {
    std::cerr << gflags::ProgramUsage() << "\n";
    return static_cast<int>(slimreel::ExitCode::kUsage);
  }
  slimreel::InstallCpuAllocator();
  return slimreel::Main(argv[1]);
}
