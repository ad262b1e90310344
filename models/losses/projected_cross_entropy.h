// Cross entropy of states that are projected to a vocabulary, in pieces of rows. The
// logits [B, L, V] never exist as a whole, in forward and in backward.
//
// Threading and ownership: as every stage.
// See Note [The gradient is made in the forward pass] in the .cc.
#ifndef MODELS_LOSSES_PROJECTED_CROSS_ENTROPY_H_
#define MODELS_LOSSES_PROJECTED_CROSS_ENTROPY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/losses/loss.h"

namespace slimreel {

struct ProjectedCrossEntropyOptions {
  double label_smoothing = 0.0;             // [0, 1)
  int64_t piece_bytes = int64_t{64} << 20;  // of a piece's logits; other buffers: see the .cc
};

// {states [B, L, C], ...} + context.targets {labels [B, L] int64, -100: none} -> {loss []}:
// torch.nn.CrossEntropyLoss(reduction="sum", ignore_index=-100, label_smoothing) of states
// x weight^T, divided by context.loss_denominator. A row without a label adds exactly nothing,
// whatever its states are. No tensor's size depends on the labels. ValidWeight counts the labels
// that are not -100. It throws c10::Error at a label other than -100 and 0..V-1; Forward does so
// on the CPU only, because it does not wait for other devices.
class ProjectedCrossEntropy : public Loss {
 public:
  // `weight` [V, C]: the token embedding, tied to the decoder's (the same TensorImpl).
  ProjectedCrossEntropy(const NamedTensor& weight, const ProjectedCrossEntropyOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;
  double ValidWeight(const Tensors& targets) const override;

 private:
  ProjectedCrossEntropyOptions options_;
  at::Tensor weight_;  // [V, C]
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_PROJECTED_CROSS_ENTROPY_H_
