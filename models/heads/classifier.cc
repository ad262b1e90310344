#include "models/heads/classifier.h"

#include "models/layers/linear.h"

namespace slimreel {

TokenClassifier::TokenClassifier(const ClassifierOptions& options)
    : Stage("classifier"), dropout_("classifier.dropout", options.dropout) {
  ParameterMaker make(options.parameters, &state_);
  norm_weight_ = make.Constant("fc_norm.weight", {options.features}, 1.0);
  norm_bias_ = make.Constant("fc_norm.bias", {options.features}, 0.0);
  weight_ = make.Normal("classifier.weight", {options.num_classes, options.features}, 0.02);
  bias_ = make.Constant("classifier.bias", {options.num_classes}, 0.0);
}

Tensors TokenClassifier::Forward(const StageContext& context, Tensors in) {
  const at::Tensor pooled = LayerNormLast(in[0].mean(1), norm_weight_, norm_bias_, 1e-5);
  return {LinearRows(dropout_.Forward(context, pooled), weight_, bias_)};
}

}  // namespace slimreel
