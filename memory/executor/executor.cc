#include "memory/executor/executor.h"

#include <ATen/core/Tensor.h>

#include <utility>

#include "memory/executor/interpreter.h"

namespace slimreel {

Executor::Executor(std::vector<Stage*> chain) : chain_(std::move(chain)) {
  while (frozen_prefix_ < static_cast<int>(chain_.size()) &&
         !HasTrainableParameter(*chain_[frozen_prefix_])) {
    ++frozen_prefix_;
  }
}

std::vector<std::string> Executor::stage_names() const {
  std::vector<std::string> names;
  for (size_t i = frozen_prefix_; i < chain_.size(); ++i) names.push_back(chain_[i]->name());
  return names;
}

Tensors Executor::Run(const Schedule& schedule, StageContext context, Tensors inputs,
                      ExecutorHooks* hooks, const at::Tensor& loss_gradient) {
  const absl::Status valid = ValidateSchedule(schedule, num_scheduled_stages());
  TORCH_CHECK(valid.ok(), valid.ToString());
  context.first_visit = true;
  inputs = RunPrefix(context, std::move(inputs), hooks);
  if (num_scheduled_stages() == 0) return inputs;
  Boundary boundary;
  boundary.needs_gradient.assign(inputs.size(), false);
  boundary.slots = std::move(inputs);
  Interpreter interpreter(ScheduledStages(), context, std::move(boundary), /*ends_with_loss=*/true,
                          loss_gradient);
  interpreter.set_offload(offload_);
  const EngineQueueCleaner cleaner;
  const std::vector<bool> output_read = OutputsRead(schedule);
  for (size_t n = 0; n < schedule.size(); ++n) {
    if (hooks != nullptr) hooks->BeforeOp(schedule[n]);
    interpreter.Execute(schedule[n], output_read[n]);
    if (hooks != nullptr) hooks->AfterOp(schedule[n]);
  }
  return interpreter.TakeOutputs();
}

std::vector<Stage*> Executor::ScheduledStages() const {
  return {chain_.begin() + frozen_prefix_, chain_.end()};
}

Tensors Executor::RunPrefix(const StageContext& context, Tensors inputs,
                            ExecutorHooks* hooks) const {
  if (frozen_prefix_ == 0) return inputs;
  if (hooks != nullptr) hooks->BeforePrefix();
  inputs = ForwardWithoutGraph({chain_.begin(), chain_.begin() + frozen_prefix_}, context,
                               std::move(inputs));
  if (hooks != nullptr) hooks->AfterPrefix();
  return inputs;
}

Tensors Executor::Forward(const std::vector<Stage*>& chain, StageContext context, Tensors inputs) {
  context.first_visit = true;
  return ForwardWithoutGraph(chain, context, std::move(inputs));
}

}  // namespace slimreel
