// Layer-wise learning rates. Layers near the input hold general features, so they move less when a
// pretrained model is fine-tuned.
//
// A pure function of the names and the order of stages and parameters.
#ifndef TRAINER_OPTIM_LAYER_DECAY_H_
#define TRAINER_OPTIM_LAYER_DECAY_H_

#include <vector>

#include "models/chain/model.h"

namespace slimreel {

// One factor of the learning rate per entry of Parameters(model), in its order: decay^(distance to
// the head). The head has 1, the layer before it `decay`, and so on. A layer is a run of stages
// whose names agree up to the last dot ("layer.3.attention", "layer.3.mlp"). So the embeddings are
// one layer and each block is one, as in VideoMAE's optim_factory.py (LayerDecayValueAssigner).
//
// Residual networks are counted by parameter keys: the stem is a layer and each block is one. The
// last blocks of two parallel streams have the same distance. A tied parameter counts where it is
// used first. `decay` is in (0, 1]; 1 gives ones.
std::vector<double> LayerLrScales(const Model& model, double decay);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LAYER_DECAY_H_
