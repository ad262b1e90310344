#include "models/heads/conv_classifier.h"

#include <utility>

#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

ConvClassifier::ConvClassifier(std::string name, const std::vector<Stream>& streams,
                               const ClassifierOptions& options)
    : Stage(std::move(name)) {
  ParameterMaker make(options.parameters, &state_);
  for (const Stream& stream : streams) {
    branches_.push_back({NormRelu(make, stream.norm),
                         Dropout(stream.key + ".dropout", options.dropout),
                         make.Normal(stream.key + ".weight",
                                     {options.num_classes, stream.norm.norm.channels}, 0.01),
                         make.Constant(stream.key + ".bias", {options.num_classes}, 0.0)});
  }
}

Tensors ConvClassifier::Forward(const StageContext& context, Tensors in) {
  Tensors logits;
  auto next = in.begin();
  for (Branch& branch : branches_) {
    const auto end = next + static_cast<int64_t>(branch.norm.num_inputs());
    const at::Tensor pooled = branch.norm.Forward(context, Tensors(next, end)).mean({2, 3, 4});
    logits.push_back(
        LinearRows(branch.dropout.Forward(context, pooled), branch.weight, branch.bias));
    next = end;
  }
  return logits;
}

}  // namespace slimreel
