// Hands an effective batch to the device, one micro-batch at a time, in the order of positions.
//
// The batch itself stays in the loader's memory, which counts as the host's, until the step has
// ended: a retry reads it again, cut in another way. Only the micro-batch in hand counts as input
// on the device. An accelerator gets a copy of it. The CPU reads it in place, and its bytes are
// charged as long as it is in hand.
//
// It is handed over at fixed points: the first one when the feed is made, each other one when the
// feed moves on. So a step has the same memory at the same operation each time.
//
// Threading: one thread. Ownership: it shares the batch's tensors.
#ifndef TRAINER_INPUTS_MICRO_BATCH_FEED_H_
#define TRAINER_INPUTS_MICRO_BATCH_FEED_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "data/loading/batch.h"
#include "memory/policy/split.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/chain/model.h"

namespace slimreel {

class MicroBatchFeed {
 public:
  // `split`: the parts of the batch, at least one. Throws c10::OutOfMemoryError if the device has
  // no room for the first one, and what ModelInputs throws.
  MicroBatchFeed(const Model& model, const Batch& batch, at::Device device,
                 std::vector<MicroBatch> split);

  bool AtEnd() const { return next_ > split_.size(); }
  // Lets go of the micro-batch in hand and then takes the next one, if there is one. Throws
  // c10::OutOfMemoryError.
  void Advance();

  // Of the micro-batch in hand. Needs !AtEnd().
  int64_t first_position() const { return split_[next_ - 1].first; }
  // One tensor per slot of model.inputs. Call it once: the feed keeps no reference, so that copies
  // on the device die as soon as they are not needed.
  Tensors TakeInputs() { return std::move(slots_); }
  const Tensors& targets() const { return targets_; }  // {labels}

 private:
  at::Tensor OnDevice(const at::Tensor& tensor, const MicroBatch& micro) const;

  const Tensors inputs_;  // of the whole batch, in the loader's memory
  const at::Tensor labels_;
  const at::Device device_;
  const std::vector<MicroBatch> split_;
  size_t next_ = 0;  // the part after the one in hand
  std::optional<CpuCharge> charge_;
  Tensors slots_;
  Tensors targets_;
};

}  // namespace slimreel

#endif  // TRAINER_INPUTS_MICRO_BATCH_FEED_H_
