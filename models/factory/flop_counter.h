// Counts the arithmetic of convolutions, matrix products and attention as ATen runs them, whichever
// stage, form or kernel calls them.
//
// Threading: it counts what its own thread calls while it lives. Counters nest.
#ifndef MODELS_FACTORY_FLOP_COUNTER_H_
#define MODELS_FACTORY_FLOP_COUNTER_H_

#include <ATen/record_function.h>

#include <cstdint>

namespace slimreel {

class FlopCounter {
 public:
  FlopCounter();
  ~FlopCounter();
  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;

  // Two per multiply-add. A convolution counts its whole kernel at every output, also at padding.
  // Attention counts both products over all pairs of tokens, also with a causal mask. Element-wise
  // work, norms and pooling count nothing.
  int64_t flops() const;

 private:
  at::CallbackHandle handle_;
  int64_t begin_;
};

}  // namespace slimreel

#endif  // MODELS_FACTORY_FLOP_COUNTER_H_
