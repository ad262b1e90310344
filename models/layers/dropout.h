// Dropout and drop-path (stochastic depth) whose masks come from counters.
// Callers: blocks and heads. Any thread. See keyed_random.h.
#ifndef MODELS_LAYERS_DROPOUT_H_
#define MODELS_LAYERS_DROPOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "models/layers/keyed_random.h"

namespace slimreel {

class Dropout {
 public:
  // `name`: unique in the model, it keys the masks. Probability in [0, 1).
  Dropout(std::string_view name, double probability)
      : layer_id_(LayerId(name)), probability_(probability) {}

  bool active(const StageContext& context) const { return context.training && probability_ > 0; }
  // x [B, ...] floating -> the same shape: zero with the probability, else
  // x / (1 - probability). x itself outside of training. Keeps nothing for
  // backward: the mask is drawn again there.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;

 private:
  uint64_t layer_id_;
  double probability_;
};

class DropPath {
 public:
  DropPath(std::string_view name, double probability)
      : layer_id_(LayerId(name)), probability_(probability) {}

  bool active(const StageContext& context) const { return context.training && probability_ > 0; }
  // x [B, ...] -> each sample zero as a whole, or x / (1 - probability)
  // (Huang et al. 2016, as timm's DropPath scales it).
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) const;

 private:
  uint64_t layer_id_;
  double probability_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_DROPOUT_H_
