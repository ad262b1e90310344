// Layer-wise learning rates: layers near the input, whose features are general,
// move less when a pretrained model is fine-tuned.
//
// Who calls it: trainer/setup, once. A pure function of names and order.
#ifndef TRAINER_OPTIM_LAYER_DECAY_H_
#define TRAINER_OPTIM_LAYER_DECAY_H_

#include <vector>

#include "models/chain/model.h"

namespace slimreel {

// One factor of the learning rate per entry of Parameters(model), in its order:
// decay^(distance to the head). A layer is a run of stages whose names agree up to
// the last dot ("layer.3.attention", "layer.3.mlp"); the head has 1, the layer before
// it `decay`, and so on, as VideoMAE's optim_factory.py (LayerDecayValueAssigner)
// counts: the embeddings are one layer, each block is one. Residual networks go by
// key: each block is a layer, the stem is one, and the last blocks of two streams are as far
// from the head. A tied parameter counts where it is used first. decay in (0, 1]; 1 gives
// ones.
std::vector<double> LayerLrScales(const Model& model, double decay);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LAYER_DECAY_H_
