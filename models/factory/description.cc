#include "models/factory/description.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <set>
#include <utility>

#include "models/factory/flop_counter.h"
#include "models/factory/norm_recorder.h"

namespace slimreel {
namespace {

// Cuts the graph between stages, as the executor does.
Tensors Detached(const Tensors& from) {
  Tensors cut;
  for (const at::Tensor& tensor : from) {
    const bool has_gradient = tensor.defined() && tensor.is_floating_point();
    cut.push_back(has_gradient ? tensor.detach().requires_grad_() : tensor);
  }
  return cut;
}

at::ScalarType TypeOf(InputKind kind) {
  switch (kind) {
    case InputKind::kFrames:
      return at::kByte;
    case InputKind::kTokens:
      return at::kLong;
    case InputKind::kKeypoints:
    case InputKind::kLogMel:
      return at::kFloat;
  }
  return at::kFloat;
}

Tensors ZeroInputs(const Model& model, int64_t batch, at::Device device = at::kCPU) {
  Tensors slots;
  for (const InputSlot& slot : model.inputs) {
    std::vector<int64_t> sizes{batch};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    slots.push_back(at::zeros(sizes, at::device(device).dtype(TypeOf(slot.kind))));
  }
  return slots;
}

// One label per sample, or one per token.
at::Tensor ZeroTargets(const Model& model, int64_t batch) {
  for (const InputSlot& slot : model.inputs) {
    if (slot.kind == InputKind::kTokens) return at::zeros({batch, slot.sizes[0]}, at::kLong);
  }
  return at::zeros({batch}, at::kLong);
}

int64_t BytesMadeHere(const Tensors& in, const Tensors& out) {
  std::set<const void*> seen;
  for (const at::Tensor& tensor : in) {
    if (tensor.defined()) seen.insert(tensor.storage().unsafeGetStorageImpl());
  }
  int64_t bytes = 0;
  for (const at::Tensor& tensor : out) {
    if (!tensor.defined() || !seen.insert(tensor.storage().unsafeGetStorageImpl()).second) continue;
    bytes += static_cast<int64_t>(tensor.storage().nbytes());
  }
  return bytes;
}

struct StageRun {
  Tensors out;
  int64_t output_bytes = 0;
  int64_t saved_bytes = 0;
};

StageRun RunStage(Stage* stage, const StageContext& context, const Tensors& in,
                  const std::function<int64_t()>& live_bytes) {
  StageRun run;
  const int64_t before = live_bytes();
  run.out = stage->Forward(context, in);
  run.output_bytes = BytesMadeHere(in, run.out);
  run.saved_bytes = live_bytes() - before - run.output_bytes;
  return run;
}

// Runs without grad: with grad, a loss that works in pieces would also compute its gradients.
int64_t ForwardFlops(Stage* stage, const StageContext& context, const Tensors& in) {
  const c10::AutoGradMode no_grad(false);
  const FlopCounter counter;
  stage->Forward(context, in);
  return counter.flops();
}

// In the references, such tables are parameters and so end in ".weight"; no statistic does.
bool IsFixedTable(const NamedTensor& buffer) { return buffer.name.ends_with(".weight"); }

}  // namespace

ParameterCount CountParameters(const Model& model) {
  ParameterCount count;
  for (const NamedTensor& named : Parameters(model)) count.trained += named.tensor.numel();
  for (const NamedTensor& named : Buffers(model)) {
    if (IsFixedTable(named)) count.fixed += named.tensor.numel();
  }
  return count;
}

std::vector<StageDescription> DescribeStages(const Model& model, int64_t batch,
                                             const std::function<int64_t()>& live_bytes) {
  const Tensors targets{ZeroTargets(model, batch)};
  StageContext context;
  context.training = true;
  context.first_visit = false;
  context.targets = &targets;
  std::vector<StageDescription> stages;
  Tensors slots = ZeroInputs(model, batch);
  for (Stage* stage : model.ChainWithLoss()) {
    // `slots` keeps the stages before alive until this stage is measured.
    const Tensors in = Detached(slots);
    StageDescription description;
    description.name = stage->name();
    for (const NamedTensor& named : stage->parameters()) {
      description.parameters += named.tensor.numel();
    }
    if (stage->has_lean()) {
      context.lean = true;
      description.lean_saved_bytes = RunStage(stage, context, in, live_bytes).saved_bytes;
      context.lean = false;
    }
    description.flops = ForwardFlops(stage, context, in);
    StageRun run = RunStage(stage, context, in, live_bytes);
    description.output_bytes = run.output_bytes;
    description.saved_bytes = run.saved_bytes;
    if (!stage->has_lean()) description.lean_saved_bytes = run.saved_bytes;
    for (const at::Tensor& slot : run.out) description.output_sizes.push_back(slot.sizes().vec());
    stages.push_back(std::move(description));
    slots = std::move(run.out);
  }
  return stages;
}

int64_t FewestNormValues(const Model& model) {
  const c10::AutoGradMode no_grad(false);
  const NormRecorder recorder;
  const std::vector<NamedTensor> parameters = Parameters(model);
  Tensors slots =
      ZeroInputs(model, 1, parameters.empty() ? at::kCPU : parameters[0].tensor.device());
  for (Stage* stage : model.Chain()) slots = stage->Forward(StageContext(), std::move(slots));
  return recorder.fewest_values();
}

}  // namespace slimreel
