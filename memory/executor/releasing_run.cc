#include "memory/executor/releasing_run.h"

#include <c10/core/GradMode.h>

namespace slimreel {
namespace {

// Note [Forward only]
// A stage whose parameters are updated cannot run forward again, so from the first update on a run
// only goes forward: out of memory must not undo it. What it needs to go on from any point is kept:
//   - the gradient of the output of the stage that goes backward next, until that backward has
//     ended. A second reference also keeps the engine from writing into it;
//   - what higher stages gave to a tied parameter. It is set aside during the backward of a stage,
//     so that a backward that ends half-way leaves it as it was, and added up after the backward.
//     AccumulateGrad adds in place in the same order, so the sum has the same bits.
// After out of memory, the stages up to that point run again from the batch, each checkpointed
// (which needs the least memory). Their parameters are untouched: backward goes from the last stage
// to the first, and a parameter waits for the lowest stage that uses it.

at::Device DeviceOf(const Tensors& slots) {
  for (const at::Tensor& slot : slots) {
    if (slot.defined()) return slot.device();
  }
  return at::kCPU;
}

bool IsBackward(const Op& op) { return op.kind == OpKind::kBackward; }

}  // namespace

ReleasingRun::ReleasingRun(const Executor* executor, Release release)
    : executor_(executor),
      release_(std::move(release)),
      stages_(executor->ScheduledStages()),
      groups_(ReleaseGroups(stages_)),
      next_(static_cast<int>(stages_.size()) - 1) {}

Tensors ReleasingRun::Run(const Schedule& schedule, StageContext context, Tensors inputs,
                          ExecutorHooks* hooks) {
  hooks_ = hooks;
  context.first_visit = !has_released_;
  if (!has_released_) {
    const absl::Status valid = ValidateSchedule(schedule, executor_->num_scheduled_stages());
    TORCH_CHECK(valid.ok(), valid.ToString());
    inputs = executor_->RunPrefix(context, std::move(inputs), hooks_);
    RunStages(stages_, schedule, context, std::move(inputs));
    return outputs_;
  }
  PutBack();
  if (releasing_ >= 0) FinishRelease();
  if (next_ >= 0) {
    // MakeSchedule keeps the stage after the last mode: that is stage next_ here.
    const Schedule rest = MakeSchedule(std::vector<StageMode>(next_, StageMode::kCheckpoint));
    inputs = executor_->RunPrefix(context, std::move(inputs), hooks_);
    RunStages({stages_.begin(), stages_.begin() + next_ + 1}, rest, context, std::move(inputs));
  }
  return outputs_;
}

void ReleasingRun::RunStages(const std::vector<Stage*>& stages, const Schedule& schedule,
                             const StageContext& context, Tensors inputs) {
  Boundary boundary;
  boundary.needs_gradient.assign(inputs.size(), false);
  boundary.slots = std::move(inputs);
  const AttemptWatch watch(DeviceOf(boundary.slots));
  Interpreter interpreter(stages, context, std::move(boundary),
                          /*ends_with_loss=*/context.first_visit, /*loss_gradient=*/{});
  interpreter.set_offload(executor_->offload());
  if (!context.first_visit) {
    for (size_t i = 0; i < stages.size(); ++i) interpreter.MarkVisited(static_cast<int>(i));
    interpreter.SetGradients(held_);
  }
  const EngineQueueCleaner cleaner;
  const std::vector<bool> output_read = OutputsRead(schedule);
  for (size_t n = 0; n < schedule.size(); ++n) {
    const Op& op = schedule[n];
    if (hooks_ != nullptr) hooks_->BeforeOp(op);
    if (IsBackward(op)) {
      Backward(interpreter, watch, op);
    } else {
      interpreter.Execute(op, output_read[n]);
    }
    if (hooks_ != nullptr) hooks_->AfterOp(op);
    if (IsBackward(op)) FinishRelease();
  }
}

void ReleasingRun::Backward(Interpreter& interpreter, const AttemptWatch& watch, const Op& op) {
  if (outputs_.empty()) outputs_ = interpreter.TakeOutputs();
  const int i = op.stage;
  if (has_released_) SetAside(i);
  interpreter.Execute(op, /*output_read=*/false);
  TORCH_CHECK_WITH(OutOfMemoryError, !watch.RanOutOfMemory(AttemptEnd::kNoError),
                   "the device refused memory before the backward of stage ", i, " ended");
  Tensors below;
  if (has_released_ || !groups_[i].empty()) below = interpreter.gradients();
  // The stage is done. Nothing from here on throws.
  held_ = std::move(below);
  next_ = i - 1;
  releasing_ = i;
}

void ReleasingRun::SetAside(int stage) {
  for (const NamedTensor& named : stages_[stage]->parameters()) {
    if (!named.tensor.requires_grad()) continue;
    aside_.emplace_back(named.tensor, at::Tensor());
    aside_.back().second = std::exchange(named.tensor.mutable_grad(), at::Tensor());
  }
}

// Undoes a backward that ended half-way. The next one sets aside anew.
void ReleasingRun::PutBack() {
  if (releasing_ >= 0) return;
  for (auto& [parameter, gradient] : aside_) parameter.mutable_grad() = std::move(gradient);
  aside_.clear();
}

void ReleasingRun::FinishRelease() {
  const c10::AutoGradMode no_grad(false);
  for (auto& [parameter, sum] : aside_) {
    if (!sum.defined()) continue;
    at::Tensor& gradient = parameter.mutable_grad();
    if (gradient.defined()) sum.add_(gradient);
    gradient = std::exchange(sum, at::Tensor());
  }
  aside_.clear();
  if (!groups_[releasing_].empty()) {
    has_released_ = true;
    release_(releasing_);
  }
  releasing_ = -1;
}

}  // namespace slimreel
