// Cross entropy as a weighted sum divided by the valid weight of the whole effective
// batch. So the losses of micro-batches add up to the loss of the batch.
//
// Threading and ownership: as every stage.
#ifndef MODELS_LOSSES_CROSS_ENTROPY_H_
#define MODELS_LOSSES_CROSS_ENTROPY_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/losses/loss.h"

namespace slimreel {

// {logits [B, K]} + context.targets {labels [B] int64} -> {loss []}:
// torch.nn.CrossEntropyLoss(weight, reduction="sum", ignore_index=-1, label_smoothing) /
// context.loss_denominator. The loss has the logits' dtype, or float32 if that is narrower. A
// label outside of -1..K-1 throws c10::Error. class_weights: empty (all 1) or one per class.
// ValidWeight is the sum of the weights of the labels that are not -1.
class CrossEntropy : public Loss {
 public:
  // On kMeta the table of weights has no memory.
  CrossEntropy(double label_smoothing, const std::vector<double>& class_weights,
               at::DeviceType device = at::kCPU);
  Tensors Forward(const StageContext& context, Tensors in) override;
  double ValidWeight(const Tensors& targets) const override;

 private:
  double label_smoothing_;
  std::vector<double> class_weights_;  // one per class, or empty
  at::Tensor weights_;                 // [K] float64, a constant; undefined without class weights
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_CROSS_ENTROPY_H_
