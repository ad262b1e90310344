// Turns a batch of the loader into the tuple of tensors that stage 0 of a model takes.
#ifndef TRAINER_INPUTS_MODEL_INPUTS_H_
#define TRAINER_INPUTS_MODEL_INPUTS_H_

#include "data/loading/batch.h"
#include "models/chain/model.h"

namespace slimreel {

// One tensor per slot of model.inputs, in that order. The tensors share the batch's storage. Throws
// c10::Error if the batch lacks a tensor that a slot needs: that is a mistake of the caller.
Tensors ModelInputs(const Model& model, const Batch& batch);

}  // namespace slimreel

#endif  // TRAINER_INPUTS_MODEL_INPUTS_H_
