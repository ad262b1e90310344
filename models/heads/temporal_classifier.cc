#include "models/heads/temporal_classifier.h"

#include <cmath>

#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

TemporalClassifier::TemporalClassifier(TemporalPooling pooling, const ClassifierOptions& options)
    : Stage("fc"), dropout_("fc.dropout", options.dropout) {
  ParameterMaker make(options.parameters, &state_);
  int64_t pooled = options.features;
  if (pooling == TemporalPooling::kAttention) attention_.emplace(make, "temporal", pooled);
  if (pooling == TemporalPooling::kLstm) {
    lstm_.emplace(make, "temporal", pooled);
    pooled = LstmPooling::kHidden;
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(pooled));
  weight_ = make.Uniform("fc.weight", {options.num_classes, pooled}, bound);
  bias_ = make.Uniform("fc.bias", {options.num_classes}, bound);
}

Tensors TemporalClassifier::Forward(const StageContext& context, Tensors in) {
  at::Tensor pooled;
  if (attention_) {
    pooled = attention_->Forward(in[0]);
  } else {
    pooled = lstm_ ? lstm_->Forward(in[0]) : in[0].mean(1);
  }
  return {LinearRows(dropout_.Forward(context, pooled), weight_, bias_)};
}

}  // namespace slimreel
