#include "trainer/benchmark/measured_learner.h"

#include <ATen/ops/from_blob.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <map>
#include <random>
#include <utility>

#include "base/status_macros.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/optim/param_groups.h"
#include "trainer/planning/profile_batch.h"

namespace slimreel {
namespace {

// The same numbers each time: bytes, numbers of classes, and fractions that keypoints scale.
void FillRandom(at::Tensor& tensor, InputKind kind, int64_t num_classes) {
  std::mt19937_64 random(static_cast<uint64_t>(kind) + 1);
  std::uniform_real_distribution<float> fraction;
  const int64_t numel = tensor.numel();
  if (tensor.scalar_type() == at::kByte) {
    for (int64_t i = 0; i < numel; ++i) tensor.data_ptr<uint8_t>()[i] = random() & 255;
  } else if (tensor.scalar_type() == at::kLong) {
    for (int64_t i = 0; i < numel; ++i) {
      tensor.data_ptr<int64_t>()[i] = static_cast<int64_t>(random() % num_classes);
    }
  } else {
    for (int64_t i = 0; i < numel; ++i) {
      const bool is_place = kind == InputKind::kKeypoints && i % 3 != 2;
      tensor.data_ptr<float>()[i] = fraction(random) * (is_place ? kHeatmapSize : 1);
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeasuredLearner>> MeasuredLearner::Make(
    const MeasuredLearnerOptions& options) {
  std::unique_ptr<MeasuredLearner> learner(new MeasuredLearner(options));
  SLIMREEL_ASSIGN_OR_RETURN(learner->model_, BuildModel(options.spec));
  const Model& model = *learner->model_;
  learner->executor_ = std::make_unique<Executor>(model.ChainWithLoss());
  std::optional<LossScaleOptions> scale;
  if (options.autocast == at::kHalf) scale = LossScaleOptions();
  learner->optimizer_ = std::make_unique<Optimizer>(
      options.train, MakeParamGroups(Parameters(model), 0.01, false), scale);
  PredictorOptions predictor;
  predictor.norm_group = options.norm_group;
  predictor.autocast = options.autocast;
  learner->predictor_ = std::make_unique<StepPredictor>(model, *learner->optimizer_, predictor);
  learner->MakeStep(learner->PlanOf(options.effective_batch, "keep"));
  return learner;
}

// One at a time: a step may have memory of its own, which a prediction counts.
void MeasuredLearner::MakeStep(const Plan& plan) {
  step_ = nullptr;
  optimizer_->SetPaging({.pool = plan.page_optimizer ? &pool_ : nullptr});
  optimizer_->SetReleaseGroups({});
  executor_->set_offload(nullptr);
  stack_ = nullptr;
  if (plan.offload_inputs) {
    stack_ = std::make_unique<OffloadStack>(&pool_, at::kCPU, offloaded_bytes_);
    executor_->set_offload(stack_.get());
  }
  TrainStepOptions options;
  options.norm_group = options.limits.norm_group = options_.norm_group;
  options.autocast = options_.autocast;
  step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), options, plan);
}

Plan MeasuredLearner::PlanOf(int64_t micro_batch, const std::string& words) const {
  return MakePlan(micro_batch,
                  ParseStageModes(words, executor_->num_scheduled_stages() - 1).value(),
                  executor_->stage_names());
}

StepPrediction MeasuredLearner::Predict(const Plan& plan, int64_t* unexplained_bytes) {
  std::map<int64_t, ChainProfile> profiles;
  for (int64_t size : {plan.micro_batch, options_.effective_batch % plan.micro_batch}) {
    if (size == 0) continue;
    profiles[size] =
        predictor_->Measure(size, plan.schedule, plan.micro_batch < options_.effective_batch);
    if (unexplained_bytes != nullptr) *unexplained_bytes += profiles[size].unexplained_bytes;
  }
  const StepPrediction prediction =
      predictor_->Predict(plan, options_.effective_batch,
                          [&](int64_t size) -> const ChainProfile& { return profiles.at(size); });
  offloaded_bytes_ = prediction.offloaded_bytes;
  return prediction;
}

PlanningTerms MeasuredLearner::Terms(int64_t budget_bytes) const {
  PlanningTerms terms;
  terms.configured = PlanOf(options_.effective_batch, "keep");
  terms.effective_batch = options_.effective_batch;
  terms.min_micro_batch = options_.norm_group;
  terms.budget_bytes = budget_bytes;
  return terms;
}

MeasuredSteps MeasuredLearner::Run(const Plan& plan, int64_t steps, int64_t budget_bytes,
                                   ExecutorHooks* hooks) {
  MakeStep(plan);
  step_->set_hooks(hooks);
  SetCpuBudget(budget_bytes);
  ResetCpuPeaks();
  MeasuredSteps result;
  for (int64_t n = 0; n < steps; ++n) {
    const Batch batch = MakeBatch();
    const std::clock_t cpu_start = std::clock();
    const auto start = std::chrono::steady_clock::now();
    const auto outcome = step_->Run(batch, n, 1e-3);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    result.step_cpu_ms.push_back(1e3 * static_cast<double>(std::clock() - cpu_start) /
                                 CLOCKS_PER_SEC);
    result.step_ms.push_back(took.count());
    result.oom_retries += outcome.ok() ? outcome->oom_retries : 1;
  }
  result.peak_bytes = ReadCpuMemory().peak_live_bytes;
  SetCpuBudget(0);
  return result;
}

Batch MeasuredLearner::MakeBatch() {
  Batch batch;
  ProfileBatch zeros = MakeProfileBatch(*model_, options_.effective_batch, at::kCPU);
  memory_.clear();
  const auto outside = [&](at::Tensor& tensor, InputKind kind) {
    size_t space = tensor.nbytes() + 64;
    memory_.push_back(std::make_unique<char[]>(space));
    void* data = memory_.back().get();
    data = std::align(64, tensor.nbytes(), data, space);
    std::memset(data, 0, tensor.nbytes());
    tensor = at::from_blob(data, tensor.sizes(), tensor.options());
    if (options_.random_batch) FillRandom(tensor, kind, model_->num_classes);
  };
  for (size_t n = 0; n < model_->inputs.size(); ++n) {
    outside(zeros.inputs[n], model_->inputs[n].kind);
    switch (model_->inputs[n].kind) {
      case InputKind::kFrames:
        batch.clips = zeros.inputs[n];
        break;
      case InputKind::kKeypoints:
        batch.keypoints = zeros.inputs[n];
        break;
      case InputKind::kLogMel:
        batch.log_mel = zeros.inputs[n];
        break;
      case InputKind::kTokens:
        batch.tokens = zeros.inputs[n];
        break;
    }
  }
  outside(zeros.targets[0], InputKind::kTokens);
  batch.labels = zeros.targets[0];
  return batch;
}

}  // namespace slimreel
