#include "models/factory/description.h"

#include <ATen/ops/zeros.h>

#include <utility>

namespace slimreel {
namespace {

// As the executor cuts the graph between stages.
Tensors Detached(const Tensors& from) {
  Tensors cut;
  for (const at::Tensor& tensor : from) {
    cut.push_back(tensor.is_floating_point() ? tensor.detach().requires_grad_() : tensor);
  }
  return cut;
}

int64_t BytesMadeHere(const Stage& stage, const Tensors& out) {
  const std::vector<int> handed_on = stage.handed_on();
  int64_t bytes = 0;
  for (size_t slot = 0; slot < out.size(); ++slot) {
    if (!handed_on.empty() && handed_on[slot] >= 0) continue;
    bytes += static_cast<int64_t>(out[slot].storage().nbytes());
  }
  return bytes;
}

}  // namespace

std::vector<StageDescription> DescribeStages(const Model& model, int64_t batch,
                                             const std::function<int64_t()>& live_bytes) {
  const InputSpec& input = model.input;
  const Tensors labels{at::zeros({batch}, at::kLong)};
  StageContext context;
  context.training = true;
  context.first_visit = false;
  context.targets = &labels;
  std::vector<StageDescription> stages;
  Tensors slots{at::zeros({batch, 3, input.num_frames, input.height, input.width}, at::kByte)};
  for (Stage* stage : model.ChainWithLoss()) {
    const Tensors in = Detached(slots);
    const int64_t before = live_bytes();
    // `slots` keeps the stages before alive until this one is measured.
    Tensors out = stage->Forward(context, in);
    StageDescription description;
    description.name = stage->name();
    description.output_bytes = BytesMadeHere(*stage, out);
    description.saved_bytes = live_bytes() - before - description.output_bytes;
    for (const at::Tensor& slot : out) description.output_sizes.push_back(slot.sizes().vec());
    for (const NamedTensor& named : stage->parameters()) {
      description.parameters += named.tensor.numel();
    }
    stages.push_back(std::move(description));
    slots = std::move(out);
  }
  return stages;
}

}  // namespace slimreel
