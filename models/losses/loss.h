// The stage that ends a chain in training: a weighted sum over valid items,
// divided by the valid weight of the whole effective batch.
//
// Callers: the trainer, which counts the denominator before the first
// micro-batch. Threading and ownership: as every stage.
#ifndef MODELS_LOSSES_LOSS_H_
#define MODELS_LOSSES_LOSS_H_

#include "memory/stage/stage.h"

namespace slimreel {

class Loss : public Stage {
 public:
  using Stage::Stage;

  // Sum over the valid items of `targets` (StageContext::targets, of any number
  // of samples) of their weight; the weights of micro-batches add up to it.
  virtual double ValidWeight(const Tensors& targets) const = 0;
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_LOSS_H_
