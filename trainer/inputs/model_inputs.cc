#include "trainer/inputs/model_inputs.h"

#include <c10/util/Exception.h>

namespace slimreel {
namespace {

const at::Tensor& InputOf(const Batch& batch, InputKind kind) {
  switch (kind) {
    case InputKind::kFrames:
      return batch.clips;
    case InputKind::kKeypoints:
      return batch.keypoints;
    case InputKind::kLogMel:
      return batch.log_mel;
    case InputKind::kTokens:
      break;
  }
  return batch.tokens;
}

}  // namespace

Tensors ModelInputs(const Model& model, const Batch& batch) {
  Tensors inputs;
  for (const InputSlot& slot : model.inputs) {
    inputs.push_back(InputOf(batch, slot.kind));
    TORCH_CHECK(inputs.back().defined(), "model ", model.name, " takes ", model.inputs.size(),
                " inputs; the batch lacks number ", inputs.size() - 1, ", counted from 0");
  }
  return inputs;
}

}  // namespace slimreel
