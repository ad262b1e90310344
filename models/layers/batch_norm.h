// Batch normalisation over normalisation groups: runs of consecutive samples
// of the effective batch, so that statistics do not depend on the split.
//
// Threading: as the owning stage. Owns its parameters and running statistics.
#ifndef MODELS_LAYERS_BATCH_NORM_H_
#define MODELS_LAYERS_BATCH_NORM_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/layers/parameter_maker.h"
#include "models/stage/stage.h"

namespace slimreel {

class BatchNorm {
 public:
  // Keys prefix.{weight, bias, running_mean, running_var, num_batches_tracked},
  // as torch.nn.BatchNorm3d with affine and running statistics.
  BatchNorm(ParameterMaker& make, const std::string& prefix, int64_t channels, double eps = 1e-5,
            double momentum = 0.1);

  // x [B, C, ...] -> the same shape, always a new tensor, whose values backward
  // does not need (callers may work in place on it). In training each group of
  // context.norm_group samples is normalised by its own biased variance; the
  // running statistics take momentum * (mean, unbiased variance) once per group,
  // in order, at the first visit only. Else, or with context.norm_frozen, the
  // running statistics normalise. Must see two values a channel at least in a group.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x);

 private:
  at::Tensor NormaliseGroup(const at::Tensor& x, bool move_statistics);

  at::Tensor weight_;               // [C]
  at::Tensor bias_;                 // [C]
  at::Tensor running_mean_;         // [C]
  at::Tensor running_var_;          // [C]
  at::Tensor num_batches_tracked_;  // [] int64
  double eps_;
  double momentum_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_BATCH_NORM_H_
