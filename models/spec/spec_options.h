// A model's spec as the options of its layers, halves and head: what every builder
// of stages would write alike.
//
// Callers: the stages of rgb, rgbpose and speech models, and their builders. Pure functions.
#ifndef MODELS_SPEC_SPEC_OPTIONS_H_
#define MODELS_SPEC_SPEC_OPTIONS_H_

#include <cstdint>

#include "models/heads/classifier.h"
#include "models/layers/parameter_maker.h"
#include "models/layers/transformer/transformer_half.h"
#include "models/spec/model_spec.h"

namespace slimreel {

ParameterOptions MakeParameterOptions(const ModelSpec& spec);

// `reference_dropout`: where model.dropout is not set. `features`: that the head reads, where
// it does not take them from the norm before it.
ClassifierOptions MakeClassifierOptions(const ModelSpec& spec, double reference_dropout,
                                        int64_t features = 0);

// What a transformer's configuration says of all its blocks.
struct TransformerSizes {
  int64_t dim = 0;     // C, features of a token
  int64_t heads = 1;   // of attention
  int64_t hidden = 0;  // of the MLP
  double norm_eps = 1e-5;
  double init_std = 0.02;
};

// One slot, not causal; model.dropout where it is set. model.drop_path depends on the layer
// (LayerDropPath) and is left at 0.
HalfOptions MakeHalfOptions(const TransformerSizes& sizes, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_SPEC_SPEC_OPTIONS_H_
