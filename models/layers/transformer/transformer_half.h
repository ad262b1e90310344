// What both halves of a pre-norm transformer block share: x + branch(norm(x)), dropout
// and drop-path on the branch, and slots that are only handed on.
//
// Threading and ownership: as every stage.
#ifndef MODELS_LAYERS_TRANSFORMER_TRANSFORMER_HALF_H_
#define MODELS_LAYERS_TRANSFORMER_TRANSFORMER_HALF_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/layers/dropout.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

struct HalfOptions {
  int64_t dim = 0;      // C, features of a token
  int64_t heads = 1;    // attention
  int64_t hidden = 0;   // MLP
  bool causal = false;  // attention
  int slots = 1;        // slots of the tuple; all except slot 0 are handed on
  double norm_eps = 1e-5;
  double init_std = 0.02;  // weights; biases start at zero
  double dropout = 0.0;    // of the branch
  double drop_path = 0.0;  // of the branch, per sample
  ParameterOptions parameters;
};

// The drop-path probability of `layer`: grows linearly from 0 to `last` at the last layer. A
// negative `last` means none.
double LayerDropPath(double last, int64_t layer, int64_t layers);

class TransformerHalf : public Stage {
 public:
  std::vector<int> handed_on() const override;
  bool has_lean() const override { return true; }

 protected:
  // The stage's name keys the masks.
  TransformerHalf(std::string name, const HalfOptions& options);

  // drop_path(dropout(branch)), branch [B, ...].
  at::Tensor Drop(const StageContext& context, const at::Tensor& branch) const;
  // The rows of x [B, N, C] that the branch is added onto (LinearRowsOnto). Undefined if
  // the branch has dropout or drop-path, or under autocast another dtype.
  at::Tensor Base(const StageContext& context, const at::Tensor& x) const;
  // The end of a half: branch rows [B * N, C] -> {x + drop_path(dropout(branch)), the other
  // slots of `in`}. in[0] is x. If `base` is defined, the rows already include it.
  Tensors Join(const StageContext& context, const at::Tensor& branch, const at::Tensor& base,
               Tensors in) const;

  const HalfOptions& options() const { return options_; }
  // For signatures: `kind`, the features, and everything else that a half's work and memory
  // depend on. That includes dropout and drop-path, because Base is then undefined and x is
  // kept separately.
  std::string Describe(const std::string& kind) const;

 private:
  HalfOptions options_;
  Dropout dropout_;
  DropPath drop_path_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_TRANSFORMER_HALF_H_
