// Turns a model's spec into the options of its parameters, transformer halves and head, so that
// all builders do it the same way. Pure functions.
#ifndef MODELS_SPEC_SPEC_OPTIONS_H_
#define MODELS_SPEC_SPEC_OPTIONS_H_

#include <cstdint>

#include "models/heads/classifier.h"
#include "models/layers/parameter_maker.h"
#include "models/layers/transformer/transformer_half.h"
#include "models/spec/model_spec.h"

namespace slimreel {

ParameterOptions MakeParameterOptions(const ModelSpec& spec);

// `reference_dropout`: the dropout if model.dropout is not set. `features`: the number of features
// that the head reads, if the norm before it does not tell.
ClassifierOptions MakeClassifierOptions(const ModelSpec& spec, double reference_dropout,
                                        int64_t features = 0);

// What a transformer's configuration says about all of its blocks.
struct TransformerSizes {
  int64_t dim = 0;     // C, features of a token
  int64_t heads = 1;   // heads of attention
  int64_t hidden = 0;  // hidden features of the MLP
  double norm_eps = 1e-5;
  double init_std = 0.02;
};

// Options for one slot, not causal, with model.dropout if it is set. drop_path stays 0, because it
// depends on the layer (LayerDropPath).
HalfOptions MakeHalfOptions(const TransformerSizes& sizes, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_SPEC_SPEC_OPTIONS_H_
