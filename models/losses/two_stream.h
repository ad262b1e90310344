// The loss of two heads: a weighted sum of their cross entropies (mmaction2's
// RGBPoseHead, loss_components and loss_weights).
//
// Threading and ownership: as every stage.
#ifndef MODELS_LOSSES_TWO_STREAM_H_
#define MODELS_LOSSES_TWO_STREAM_H_

#include <array>
#include <vector>

#include "models/losses/cross_entropy.h"
#include "models/losses/loss.h"

namespace slimreel {

// {logits [B, K], logits [B, K]} + context.targets {labels [B] int64} -> {loss []}:
// the sum over heads of head_weights[i] * CrossEntropy(logits i). The denominator counts
// the labels of one head.
class TwoStreamLoss : public Loss {
 public:
  TwoStreamLoss(std::array<double, 2> head_weights, double label_smoothing,
                const std::vector<double>& class_weights, at::DeviceType device = at::kCPU);
  Tensors Forward(const StageContext& context, Tensors in) override;
  double ValidWeight(const Tensors& targets) const override;

 private:
  std::array<double, 2> head_weights_;
  CrossEntropy cross_entropy_;
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_TWO_STREAM_H_
