// The attention halves of a pre-norm transformer block, as stages.
//
// Threading and ownership: as every stage.
#ifndef MODELS_LAYERS_TRANSFORMER_ATTENTION_HALF_H_
#define MODELS_LAYERS_TRANSFORMER_ATTENTION_HALF_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "models/layers/linear.h"
#include "models/layers/transformer/transformer_half.h"

namespace slimreel {

struct AttentionKeys {
  std::string norm;  // prefix of .weight and .bias
  LinearKeys query, key, value, out;
};

// {x [B, N, C], ...} -> {x + out(attention(q, k, v of norm(x))), ...}
class SelfAttentionHalf : public TransformerHalf {
 public:
  SelfAttentionHalf(std::string name, const HalfOptions& options, const AttentionKeys& keys);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::string signature() const override;

 private:
  Norm norm_;
  std::vector<Linear> inputs_;  // query, key, value, each [C, C]
  Linear out_;                  // [C, C]
};

// {x [B, N, C], states [B, M, C], ...} -> {x + out(attention(q of norm(x), k, v of states)),
// states, ...}. Keys and values read the states without a norm.
class CrossAttentionHalf : public TransformerHalf {
 public:
  CrossAttentionHalf(std::string name, const HalfOptions& options, const AttentionKeys& keys);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::string signature() const override;

 private:
  Norm norm_;
  Linear query_, key_, value_, out_;  // [C, C]
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_ATTENTION_HALF_H_
