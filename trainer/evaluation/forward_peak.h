// Predicts what a forward pass without gradients takes, before a run evaluates.
//
// Threading: one thread; no other thread may use tensors while it measures. Ownership: borrows the
// model.
#ifndef TRAINER_EVALUATION_FORWARD_PEAK_H_
#define TRAINER_EVALUATION_FORWARD_PEAK_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <optional>

#include "memory/tracking/allocation_trace.h"
#include "models/chain/model.h"

namespace slimreel {

class ForwardPeak {
 public:
  ForwardPeak(const Model& model, at::Device device, std::optional<at::ScalarType> autocast)
      : model_(model), device_(device), autocast_(autocast) {}

  // The highest sum of tensors that evaluating `clips` clips at once adds to its batch, in bytes.
  // Passes of one and of two clips are measured on zeros. If both allocate in the same order, each
  // block of a larger batch lies on a line; otherwise the batch itself is measured. None: what had
  // to be measured does not fit in memory.
  std::optional<int64_t> Bytes(int64_t clips);

 private:
  const AllocationTrace* Measure(int64_t clips);

  const Model& model_;
  const c10::Device device_;
  const std::optional<at::ScalarType> autocast_;
  std::map<int64_t, std::optional<AllocationTrace>> measured_;  // by clips; none: it does not fit
};

// The trace of `size` samples, if the traces of one and of two samples allow a line. None: they
// allocate in another order.
std::optional<AllocationTrace> ExtendTrace(const AllocationTrace& one, const AllocationTrace& two,
                                           int64_t size);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_FORWARD_PEAK_H_
