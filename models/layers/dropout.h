// Dropout and drop-path (stochastic depth) whose masks come from counters.
// Callers: blocks and heads. Any thread. See keyed_random.h.
#ifndef MODELS_LAYERS_DROPOUT_H_
#define MODELS_LAYERS_DROPOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "models/layers/keyed_random.h"

namespace slimreel {

// A probability and the layer whose counters draw.
class KeyedDrop {
 public:
  bool active(const StageContext& context) const { return context.training && probability_ > 0; }

 protected:
  // `name`: unique in the model, it keys the masks. Probability in [0, 1).
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

  // x [B, ...] floating -> the same shape: zero with the probability, else
  // x / (1 - probability). x itself outside of training. Keeps nothing for
  // backward: the mask is drawn again there.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;
};

class DropPath : public KeyedDrop {
 public:
  DropPath(std::string_view name, double probability) : KeyedDrop(name, probability) {}

  // x [B, ...] -> each sample zero as a whole, or x / (1 - probability)
  // (Huang et al. 2016, as timm's DropPath scales it); float32 where x is narrower.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_DROPOUT_H_
