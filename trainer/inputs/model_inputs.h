// From what the loader hands over to the tuple that stage 0 of a model takes.
#ifndef TRAINER_INPUTS_MODEL_INPUTS_H_
#define TRAINER_INPUTS_MODEL_INPUTS_H_

#include "data/loading/batch.h"
#include "models/chain/model.h"

namespace slimreel {

// One tensor per slot of model.inputs, in order, sharing the batch's storage. A
// batch that lacks what a slot needs is the caller's mistake: c10::Error.
Tensors ModelInputs(const Model& model, const Batch& batch);

}  // namespace slimreel

#endif  // TRAINER_INPUTS_MODEL_INPUTS_H_
