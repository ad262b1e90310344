#include "models/spec/spec_options.h"

namespace slimreel {

ParameterOptions MakeParameterOptions(const ModelSpec& spec) {
  return {spec.seed, spec.dtype, spec.device};
}

ClassifierOptions MakeClassifierOptions(const ModelSpec& spec, double reference_dropout,
                                        int64_t features) {
  return {.features = features,
          .num_classes = spec.num_classes,
          .dropout = spec.dropout.value_or(reference_dropout),
          .parameters = MakeParameterOptions(spec)};
}

HalfOptions MakeHalfOptions(const TransformerSizes& sizes, const ModelSpec& spec) {
  HalfOptions options;
  options.dim = sizes.dim;
  options.heads = sizes.heads;
  options.hidden = sizes.hidden;
  options.norm_eps = sizes.norm_eps;
  options.init_std = sizes.init_std;
  options.dropout = spec.dropout.value_or(0.0);
  options.parameters = MakeParameterOptions(spec);
  return options;
}

}  // namespace slimreel
