// What stands between two convolutions of a residual network: BatchNorm, the
// residual sum, ReLU, and after a stem max-pooling.
//
// Callers: norm_relu_conv, heads, the laterals of two streams. Threading: as the
// owning stage.
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

// One BatchNorm to be made: its key prefix, channels, initial weight.
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
  // Items of dimension 0 that are one sample (frames folded into the batch).
  int64_t items_per_sample = 1;
};

class NormRelu {
 public:
  NormRelu(ParameterMaker& make, const NormReluShape& shape);

  // {raw convolution output [B, C, ...]}, or {it, shortcut} -> the activation, a fresh tensor.
  at::Tensor Forward(const StageContext& context, const Tensors& raw);

  // Slots of `raw`.
  size_t num_inputs() const { return second_norm_ || identity_ ? 2 : 1; }
  // True where the activation can be rebuilt from the raw outputs alone, which are
  // kept anyway: an identity shortcut would have to be kept instead of the activation.
  bool can_rebuild() const { return !identity_; }

  // Without a graph; see BatchNorm. Statistics: of the norm, and of the
  // shortcut's (undefined without one).
  using Statistics = std::array<GroupStatistics, 2>;
  struct Computed {
    at::Tensor activation;
    at::Tensor choice;  // of pooling (MaxPooled); undefined without
    Statistics statistics;
  };
  // Forward's activation; moves the running statistics as Forward does.
  Computed Compute(const StageContext& context, const Tensors& raw);
  // The same again, bit for bit, from its statistics.
  Computed Rebuild(const StageContext& context, const Tensors& raw, const Statistics& statistics);

  // Gradients of raw[0], (raw[1]), then weight and bias of each norm: the order of
  // parameters(). `need` has as many entries. Consumes `computed` and `grad`. The
  // activation may be missing where CanRebuildReluMask.
  Tensors Backward(const StageContext& context, const Tensors& raw, Computed computed,
                   at::Tensor grad, const std::vector<bool>& need);
  // From raw alone: without a second input and pooling, where groups normalise on the CPU.
  bool CanRebuildReluMask(const StageContext& context, const at::Tensor& raw) const;

  Tensors parameters() const;

 private:
  struct PlainForm;

  StageContext ItemContext(StageContext context) const;
  // Without a second norm's output.
  NormTail TailOf(const Tensors& raw) const;
  void Pool(Computed& computed) const;  // and ReLU

  BatchNorm norm_;
  std::optional<BatchNorm> second_norm_;
  bool identity_;
  std::optional<MaxPoolShape> pool_;
  int64_t items_per_sample_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_NORM_RELU_H_
