#include "trainer/loop/train_step.h"

#include <ATen/ops/add.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/policy/split.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/inputs/micro_batch_feed.h"
#include "trainer/loop/gradient_tags.h"

namespace slimreel {
namespace {

std::vector<at::Tensor> TensorsOf(const std::vector<NamedTensor>& named) {
  std::vector<at::Tensor> tensors;
  for (const NamedTensor& entry : named) tensors.push_back(entry.tensor);
  return tensors;
}

// 1 if no sample is labelled: the loss of such a batch is 0, not 0 / 0.
double Denominator(const Loss& loss, const Tensors& targets) {
  const double weight = loss.ValidWeight(targets);
  return weight > 0.0 ? weight : 1.0;
}

// Tells `hooks` of the step's begin and of its end, however it ends.
class StepNotice {
 public:
  StepNotice(ExecutorHooks* hooks, int64_t step) : hooks_(hooks) {
    if (hooks_ != nullptr) hooks_->BeforeStep(step);
  }
  ~StepNotice() {
    if (hooks_ != nullptr) hooks_->AfterStep();
  }
  StepNotice(const StepNotice&) = delete;
  StepNotice& operator=(const StepNotice&) = delete;

 private:
  ExecutorHooks* hooks_;
};

}  // namespace

std::string WhyNotReleased(const TrainStepOptions& options, bool has_loss_scale) {
  if (options.clip_grad_norm) {
    return "clipping (train.clip_grad_norm) needs the norm of all gradients first";
  }
  if (has_loss_scale) {
    return "fp16 (trainer.precision=16) looks at all gradients before it updates a weight";
  }
  if (options.on_oom == OnOom::kFail) {
    return "memory.on_oom=fail promises that a step that ran out of memory changed nothing";
  }
  return "";
}

TrainStep::TrainStep(const Model& model, Executor* executor, Optimizer* optimizer,
                     TrainStepOptions options, Plan plan)
    : model_(&model),
      executor_(executor),
      optimizer_(optimizer),
      options_(std::move(options)),
      plan_(std::move(plan)),
      transaction_(TensorsOf(Parameters(model)), model.ChainWithLoss()) {
  ReserveLogs(options_.effective_batch);
  CheckRelease();
}

void TrainStep::ReserveLogs(int64_t samples) {
  if (options_.norm_frozen || samples == 0) return;
  const TagScope scope(MemoryTag::kParameters);
  transaction_.Reserve(NumNormGroups(samples, plan_.micro_batch, options_.norm_group));
}

void TrainStep::set_plan(Plan plan, std::vector<FallbackPlan> fallbacks) {
  plan_ = std::move(plan);
  fallbacks_ = std::move(fallbacks);
  tried_.clear();
  CheckRelease();
}

void TrainStep::CheckRelease() {
  if (!plan_.release) return;
  const std::string why = WhyNotReleased(options_, optimizer_->LossGradient().defined());
  if (!why.empty()) {
    plan_.release = false;
    LOG(INFO) << "gradients are not released during backward: " << why;
    return;
  }
  optimizer_->SetReleaseGroups(ReleaseGroups(executor_->ScheduledStages()));
}

absl::StatusOr<StepOutcome> TrainStep::Run(const Batch& batch, int64_t step, double lr) {
  StageContext context;
  context.seed = options_.seed;
  context.step = step;
  context.training = true;
  context.norm_group = options_.norm_group;
  context.norm_frozen = options_.norm_frozen;
  context.autocast = options_.autocast;

  StepOutcome outcome;
  outcome.samples = batch.labels.size(0);
  const StepNotice notice(hooks_, step);
  transaction_.Begin();
  std::unique_ptr<ReleasingRun> releasing = MakeReleasingRun(outcome.samples, lr);
  while (true) {
    const int stages_left = releasing ? releasing->num_stages_left() : 0;
    if (FitsInMemory(options_.device,
                     [&] { outcome.loss = ForwardBackward(batch, context, releasing.get()); })) {
      break;
    }
    ++outcome.oom_retries;
    if (hooks_ != nullptr) hooks_->OnOutOfMemory();
    if (releasing && releasing->has_released()) {
      SLIMREEL_RETURN_IF_ERROR(GoOn(*releasing, stages_left, step));
      continue;
    }
    transaction_.Rollback();
    SLIMREEL_RETURN_IF_ERROR(TightenPlan(step));
    releasing = MakeReleasingRun(outcome.samples, lr);
  }
  transaction_.Commit();
  if (hooks_ != nullptr) hooks_->BeforeUpdate();
  Update(lr, releasing != nullptr, outcome);
  if (hooks_ != nullptr) hooks_->AfterUpdate();
  return outcome;
}

void TrainStep::Update(double lr, bool released, StepOutcome& outcome) {
  if (released) {
    outcome.grad_norm = optimizer_->EndStep();
    optimizer_->ZeroGrad();
    return;
  }
  outcome.grad_norm = optimizer_->GlobalNormClip(options_.clip_grad_norm);
  if (optimizer_->FoundInf().defined()) {
    outcome.found_inf = optimizer_->FoundInf().clone();
    outcome.loss_scale = optimizer_->LossGradient().clone();
  }
  optimizer_->Step(lr);
  optimizer_->ZeroGrad();
}

// Null if a step of `samples` samples under the plan does not release.
std::unique_ptr<ReleasingRun> TrainStep::MakeReleasingRun(int64_t samples, double lr) {
  const bool one_micro_batch =
      SplitBatch(samples, plan_.micro_batch, options_.norm_group).size() == 1;
  if (!plan_.release || !one_micro_batch) return nullptr;
  optimizer_->BeginStep(lr);
  const auto release = [this](int stage) {
    if (hooks_ != nullptr) hooks_->BeforeUpdate();
    optimizer_->StepStage(stage);
    if (hooks_ != nullptr) hooks_->AfterUpdate();
  };
  return std::make_unique<ReleasingRun>(executor_, release);
}

// Returns the loss of the effective batch. Its gradients add up in the parameters.
at::Tensor TrainStep::ForwardBackward(const Batch& batch, StageContext context,
                                      ReleasingRun* releasing) {
  const TagScope scope(MemoryTag::kActivations);
  const int64_t samples = batch.labels.size(0);
  MicroBatchFeed feed(*model_, batch, options_.device,
                      SplitBatch(samples, plan_.micro_batch, options_.norm_group));
  GradientTags gradient_tags(model_->ChainWithLoss(), executor_->frozen_prefix(), hooks_);
  ReserveLogs(samples);
  context.loss_denominator = Denominator(*model_->loss, {batch.labels});
  at::Tensor loss;
  for (; !feed.AtEnd(); feed.Advance()) {
    context.first_position = feed.first_position();
    context.targets = &feed.targets();
    const Tensors out =
        releasing != nullptr
            ? releasing->Run(plan_.schedule, context, feed.TakeInputs(), &gradient_tags)
            : executor_->Run(plan_.schedule, context, feed.TakeInputs(), &gradient_tags,
                             optimizer_->LossGradient());
    loss = loss.defined() ? at::add(loss, out[0]) : out[0];
  }
  return loss;
}

// Sets the plan for the retry of this batch and for all later steps.
absl::Status TrainStep::TightenPlan(int64_t step) {
  const DeviceMemoryReading memory = ReadDeviceMemory(options_.device);
  const bool by_allocator = memory.num_refusals > std::exchange(refusals_, memory.num_refusals);
  tried_.push_back({plan_, by_allocator ? memory.needed_bytes : 0});
  const std::string where = absl::StrCat("out of memory in step ", step + 1, ": ");
  if (options_.on_oom == OnOom::kFail) {
    return NothingFitsError(
        absl::StrCat(where, DescribeTriedPlan(tried_.back()),
                     " does not fit, and memory.on_oom=fail forbids another plan"));
  }
  const std::optional<Plan> next =
      NextPlan(plan_, tried_.back().needed_bytes, options_.limits, &fallbacks_);
  if (!next) {
    return NothingFitsError(
        absl::StrCat(where, NoPlanFitsMessage(tried_, options_.limits, options_.ceiling)));
  }
  LOG(INFO) << where << DescribeTriedPlan(tried_.back())
            << " does not fit; trying the step again with " << DescribePlan(*next);
  plan_ = *next;
  return absl::OkStatus();
}

// After out of memory in a step that has released. The step goes on, every stage checkpointed; so
// does every later one, unless the user forbids it. Trying again helps only where that needs less
// memory than the attempt before, or if that attempt got further.
absl::Status TrainStep::GoOn(const ReleasingRun& run, int num_stages_before, int64_t step) {
  refusals_ = ReadDeviceMemory(options_.device).num_refusals;
  const std::string where = absl::StrCat("out of memory in step ", step + 1);
  const int64_t micro_batch = plan_.micro_batch;
  if (const std::optional<Plan> next = Tighten(plan_, options_.limits);
      next && next->micro_batch == micro_batch) {
    LOG(INFO) << where << ": " << DescribePlan(plan_) << " does not fit; the step goes on with "
              << DescribePlan(*next);
    plan_ = *next;
    fallbacks_.clear();  // they may need more than this plan
    return absl::OkStatus();
  }
  if (run.num_stages_left() < num_stages_before) return absl::OkStatus();
  is_half_done_ = true;
  transaction_.Rollback();
  return NothingFitsError(absl::StrCat(
      where, ", after some weights were updated: ", run.num_stages_left(),
      " stages were left, and they do not fit even with every stage checkpointed (",
      DescribePlan(plan_), "). The last checkpoint is intact. What may help: a larger ",
      "memory.budget, or a smaller data.batch_size with more train.accumulate_grad_batches"));
}

}  // namespace slimreel
