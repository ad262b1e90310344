// Cross entropy as weighted sum over the valid weight of the whole effective
// batch, so that the loss of micro-batches adds up to the loss of the batch.
//
// Callers: the factory (as the chain's last stage); the trainer counts the denominator.
#ifndef MODELS_LOSSES_CROSS_ENTROPY_H_
#define MODELS_LOSSES_CROSS_ENTROPY_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/stage/stage.h"

namespace slimreel {

// Sum over valid items of the weight of their class. labels [B] int64; -1 marks
// an item that is not valid. weights: empty (all 1) or one per class.
double LossDenominator(const at::Tensor& labels, const std::vector<double>& weights);

// {logits [B, K]} + context.targets {labels [B] int64} -> {loss [] of logits' dtype}:
// torch.nn.CrossEntropyLoss(weight, reduction="sum", ignore_index=-1,
// label_smoothing) / context.loss_denominator. A label outside of -1..K-1 throws c10::Error.
class CrossEntropy : public Stage {
 public:
  CrossEntropy(double label_smoothing, const std::vector<double>& class_weights);
  Tensors Forward(const StageContext& context, Tensors in) override;

 private:
  double label_smoothing_;
  at::Tensor class_weights_;  // [K] float64, or undefined
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_CROSS_ENTROPY_H_
