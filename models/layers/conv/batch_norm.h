// Batch normalisation over normalisation groups. A group is a run of consecutive
// samples of the effective batch, so statistics do not depend on how the batch is
// split. Momentum is 0.1 and eps 1e-5, as in all networks here.
//
// Threading: as the owning stage. Ownership: shares its parameters and running statistics with
// the stage, which owns the log that moves them.
#ifndef MODELS_LAYERS_CONV_BATCH_NORM_H_
#define MODELS_LAYERS_CONV_BATCH_NORM_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>

#include "memory/stage/stage.h"
#include "models/layers/conv/batch_norm_groups.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

class BatchNorm {
 public:
  // Keys prefix.{weight, bias, running_mean, running_var, num_batches_tracked},
  // as torch.nn.BatchNorm3d with affine and running statistics.
  // `gamma`: initial weight (0 if a residual branch starts as zero).
  BatchNorm(ParameterMaker& make, const std::string& prefix, int64_t channels, double gamma = 1.0);

  // x [B, C, ...] -> a new tensor of the same shape. Backward does not need its values,
  // so callers may write to it in place. In training each group of context.norm_group
  // samples is normalised by its own biased variance. The first visit appends each group's
  // mean and unbiased variance to the step log; committing the log moves the running
  // statistics by momentum * value once per group, in order. Outside of training, and with
  // context.norm_frozen, the running statistics normalise. Throws c10::Error if there is no sample
  // or a group has fewer than two values per channel, unless the running statistics normalise.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x);

  // The functions below record no graph. Group statistics are undefined if the running
  // statistics normalise.
  //
  // Forward's y, followed by `tail`. Appends to the step log as Forward does.
  Normalised Normalise(const StageContext& context, const at::Tensor& x, const NormTail& tail = {});
  // The y of Normalise again, bit for bit, from its statistics. Logs nothing.
  at::Tensor Rebuild(const StageContext& context, const at::Tensor& x,
                     const GroupStatistics& statistics, const NormTail& tail = {}) const;
  // Has the bits of autograd's backward of Forward. `need`: x, weight, bias. With
  // `through_relu`, which needs CanBackwardThroughRelu, `grad` is the gradient of
  // relu(Forward(x)).
  NormGradients Backward(const StageContext& context, const at::Tensor& x,
                         const GroupStatistics& statistics, const at::Tensor& grad,
                         std::array<bool, 3> need, bool through_relu = false) const;
  static bool CanBackwardThroughRelu(const StageContext& context, const at::Tensor& x);

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  NormCall CallOf(const StageContext& context, const at::Tensor& x) const;
  Normalised NormaliseByRunning(const at::Tensor& x, const NormTail& tail) const;
  // The groups' places in the step log; undefined at later visits.
  at::Tensor LogOf(const StageContext& context, const NormCall& call, const at::Tensor& x);

  at::Tensor weight_;        // [C]
  at::Tensor bias_;          // [C]
  at::Tensor running_mean_;  // [C]
  at::Tensor running_var_;   // [C]
  StepLog* log_;             // of (mean, unbiased variance); counts in num_batches_tracked
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_BATCH_NORM_H_
