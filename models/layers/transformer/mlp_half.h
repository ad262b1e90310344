// The MLP half of a pre-norm transformer block, as a stage.
//
// Threading and ownership: as every stage.
#ifndef MODELS_LAYERS_TRANSFORMER_MLP_HALF_H_
#define MODELS_LAYERS_TRANSFORMER_MLP_HALF_H_

#include <string>

#include "models/layers/linear.h"
#include "models/layers/transformer/transformer_half.h"

namespace slimreel {

struct MlpKeys {
  std::string norm;  // prefix of .weight and .bias
  LinearKeys up, down;
};

// {x [B, N, C], ...} -> {x + down(gelu(up(norm(x)))), ...}
class MlpHalf : public TransformerHalf {
 public:
  MlpHalf(std::string name, const HalfOptions& options, const MlpKeys& keys);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::string signature() const override;

 private:
  Norm norm_;
  Linear up_;    // [H, C]
  Linear down_;  // [C, H]
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_MLP_HALF_H_
