// Everything between two convolutions of a residual network: BatchNorm, residual sum,
// ReLU, and after a stem max-pooling.
//
// Threading: as the owning stage.
#ifndef MODELS_LAYERS_CONV_NORM_RELU_H_
#define MODELS_LAYERS_CONV_NORM_RELU_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/layers/conv/batch_norm.h"
#include "models/layers/conv/max_pool.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

// A BatchNorm to make: its key prefix, channels and initial weight.
struct NormShape {
  std::string prefix;
  int64_t channels = 0;
  double gamma = 1.0;
};

// pool(relu(norm(raw) [+ shortcut | + shortcut_norm(shortcut)]))
struct NormReluShape {
  NormShape norm;
  std::optional<NormShape> shortcut_norm =
      std::nullopt;                // the shortcut is a raw convolution output
  bool identity_shortcut = false;  // the shortcut is an activation
  std::optional<MaxPoolShape> pool = std::nullopt;
  // How many items of dimension 0 make one sample (frames folded into the batch).
  int64_t items_per_sample = 1;
};

class NormRelu {
 public:
  NormRelu(ParameterMaker& make, const NormReluShape& shape);

  // {raw convolution output [B, C, ...]} or {raw, shortcut} -> the activation, a new tensor.
  at::Tensor Forward(const StageContext& context, const Tensors& raw);

  // Slots of `raw`.
  size_t num_inputs() const { return second_norm_ || identity_ ? 2 : 1; }
  // Can the activation be rebuilt from only the raw outputs, which are kept anyway? False
  // for an identity shortcut, which would have to be kept instead of the activation.
  bool can_rebuild() const { return !identity_; }

  // The functions below record no graph; see BatchNorm. Statistics belong to the norm and
  // to the shortcut's norm (undefined without one).
  using Statistics = std::array<GroupStatistics, 2>;
  struct Computed {
    at::Tensor activation;
    at::Tensor choice;  // of pooling (see MaxPooled); undefined without pooling
    Statistics statistics;
  };
  // Forward's activation. Appends to the step logs as Forward does.
  Computed Compute(const StageContext& context, const Tensors& raw);
  // The result of Compute again, bit for bit, from its statistics.
  Computed Rebuild(const StageContext& context, const Tensors& raw, const Statistics& statistics);

  // Gradients of raw[0], (raw[1]), then weight and bias of each norm, in the order of
  // parameters(). `need` has as many entries. Consumes `computed` and `grad`. The
  // activation may be undefined if CanRebuildReluMask.
  Tensors Backward(const StageContext& context, const Tensors& raw, Computed computed,
                   at::Tensor grad, const std::vector<bool>& need);
  // Can backward compute from raw which elements ReLU cut? True with one input, without
  // pooling, if groups normalise on the CPU.
  bool CanRebuildReluMask(const StageContext& context, const at::Tensor& raw) const;

  Tensors parameters() const;

 private:
  struct PlainForm;

  StageContext ItemContext(StageContext context) const;
  // The second norm's output is not in it yet.
  NormTail TailOf(const Tensors& raw) const;
  void Pool(Computed& computed) const;  // pooling, then ReLU

  BatchNorm norm_;
  std::optional<BatchNorm> second_norm_;
  bool identity_;
  std::optional<MaxPoolShape> pool_;
  int64_t items_per_sample_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_NORM_RELU_H_
