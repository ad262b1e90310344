// The stage that ends a chain in training: a weighted sum over valid items, divided by
// the valid weight of the whole effective batch. The trainer counts this denominator
// before the first micro-batch.
//
// Threading and ownership: as every stage.
#ifndef MODELS_LOSSES_LOSS_H_
#define MODELS_LOSSES_LOSS_H_

#include "memory/stage/stage.h"

namespace slimreel {

class Loss : public Stage {
 public:
  using Stage::Stage;

  // The sum of the weights of the valid items in `targets` (StageContext::targets, for any
  // number of samples). The valid weights of micro-batches add up to that of the batch.
  virtual double ValidWeight(const Tensors& targets) const = 0;
};

}  // namespace slimreel

#endif  // MODELS_LOSSES_LOSS_H_
