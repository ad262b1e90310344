// Dropout and drop-path (stochastic depth). Masks come from counters, not from a
// generator: see keyed_random.h.
//
// Threading: any thread.
#ifndef MODELS_LAYERS_DROPOUT_H_
#define MODELS_LAYERS_DROPOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "models/layers/keyed_random.h"

namespace slimreel {

// A drop probability and the layer that keys the draws.
class KeyedDrop {
 public:
  bool active(const StageContext& context) const { return context.training && probability_ > 0; }

 protected:
  // `name` keys the masks and is unique in the model. Probability in [0, 1).
  KeyedDrop(std::string_view name, double probability)
      : layer_id_(LayerId(name)), probability_(probability) {}
  uint64_t layer_id() const { return layer_id_; }
  double probability() const { return probability_; }

 private:
  uint64_t layer_id_;
  double probability_;
};

class Dropout : public KeyedDrop {
 public:
  Dropout(std::string_view name, double probability) : KeyedDrop(name, probability) {}

  // x [B, ...] floating point -> the same shape: zero with the given probability, else
  // x / (1 - probability). Returns x itself outside of training. Keeps nothing for
  // backward, which draws the mask again.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;
};

class DropPath : public KeyedDrop {
 public:
  DropPath(std::string_view name, double probability) : KeyedDrop(name, probability) {}

  // x [B, ...] -> for each sample either zero everywhere, or x / (1 - probability)
  // (Huang et al. 2016, scaled as timm's DropPath does). The result is float32 if x is
  // narrower.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_DROPOUT_H_
