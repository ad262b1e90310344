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
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/inputs/model_inputs.h"
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

}  // namespace

TrainStep::TrainStep(const Model& model, Executor* executor, Optimizer* optimizer,
                     TrainStepOptions options, Plan plan)
    : model_(&model),
      executor_(executor),
      optimizer_(optimizer),
      options_(std::move(options)),
      plan_(std::move(plan)),
      transaction_(TensorsOf(Parameters(model)), model.ChainWithLoss()) {
  ReserveLogs(options_.effective_batch);
}

void TrainStep::ReserveLogs(int64_t samples) {
  if (options_.norm_frozen || samples == 0) return;
  const TagScope scope(MemoryTag::kParameters);
  transaction_.Reserve(NumNormGroups(samples, plan_.micro_batch, options_.norm_group));
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
  transaction_.Begin();
  while (!FitsInMemory(options_.device, [&] { outcome.loss = ForwardBackward(batch, context); })) {
    transaction_.Rollback();
    SLIMREEL_RETURN_IF_ERROR(TightenPlan(step));
    ++outcome.oom_retries;
  }
  transaction_.Commit();
  if (hooks_ != nullptr) hooks_->BeforeUpdate();
  Update(lr, outcome);
  if (hooks_ != nullptr) hooks_->AfterUpdate();
  return outcome;
}

void TrainStep::Update(double lr, StepOutcome& outcome) {
  outcome.grad_norm = optimizer_->GlobalNormClip(options_.clip_grad_norm);
  if (optimizer_->FoundInf().defined()) {
    outcome.found_inf = optimizer_->FoundInf().clone();
    outcome.loss_scale = optimizer_->LossGradient().clone();
  }
  optimizer_->Step(lr);
  optimizer_->ZeroGrad();
}

// Returns the loss of the effective batch. Its gradients add up in the parameters.
at::Tensor TrainStep::ForwardBackward(const Batch& batch, StageContext context) {
  const bool on_cpu = options_.device.is_cpu();
  const CpuCharge charge(on_cpu ? batch.bytes() : 0);
  const TagScope scope(MemoryTag::kActivations);
  GradientTags gradient_tags(model_->ChainWithLoss(), executor_->frozen_prefix(), hooks_);
  ReserveLogs(batch.labels.size(0));
  context.loss_denominator = Denominator(*model_->loss, {batch.labels});
  const Tensors inputs = ModelInputs(*model_, batch);
  const auto on_device = [&](const at::Tensor& tensor, const MicroBatch& micro) {
    return tensor.narrow(0, micro.first, micro.count).to(options_.device, /*non_blocking=*/true);
  };
  at::Tensor loss;
  for (const MicroBatch& micro :
       SplitBatch(batch.labels.size(0), plan_.micro_batch, options_.norm_group)) {
    const Tensors targets = {on_device(batch.labels, micro)};
    context.first_position = micro.first;
    context.targets = &targets;
    Tensors slots;
    for (const at::Tensor& input : inputs) slots.push_back(on_device(input, micro));
    const Tensors out = executor_->Run(plan_.schedule, context, std::move(slots), &gradient_tags,
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
  const std::optional<Plan> next = Tighten(plan_, options_.limits);
  if (!next) {
    return NothingFitsError(
        absl::StrCat(where, NoPlanFitsMessage(tried_, options_.limits, options_.ceiling)));
  }
  LOG(INFO) << where << DescribeTriedPlan(tried_.back())
            << " does not fit; trying the step again with " << DescribePlan(*next);
  plan_ = *next;
  return absl::OkStatus();
}

}  // namespace slimreel
