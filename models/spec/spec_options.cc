#include "models/spec/spec_options.h"

#include <algorithm>

namespace slimreel {

ParameterOptions ParametersOf(const ModelSpec& spec) {
  return {spec.seed, spec.dtype, spec.device};
}

ClassifierOptions HeadOf(const ModelSpec& spec, double reference_dropout, int64_t features) {
  return {.features = features,
          .num_classes = spec.num_classes,
          .dropout = spec.dropout < 0 ? reference_dropout : spec.dropout,
          .parameters = ParametersOf(spec)};
}

HalfOptions HalvesOf(const BlockSizes& sizes, const ModelSpec& spec) {
  HalfOptions options;
  options.dim = sizes.dim;
  options.heads = sizes.heads;
  options.hidden = sizes.hidden;
  options.norm_eps = sizes.norm_eps;
  options.init_std = sizes.init_std;
  options.dropout = std::max(spec.dropout, 0.0);
  options.parameters = ParametersOf(spec);
  return options;
}

}  // namespace slimreel
