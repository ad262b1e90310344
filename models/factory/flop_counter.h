// Counts the arithmetic of convolutions, matrix products and attention as ATen runs
// them, whichever stage, form or kernel asks for them.
//
// Caller: description. Counts what its own thread calls while it lives; counters nest.
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

  // Two per multiply-add. A convolution counts its whole kernel at every output, padding
  // included; attention both products over all pairs of tokens, also where a mask is
  // causal; element-wise work, norms and pooling count nothing.
  int64_t flops() const;

 private:
  at::CallbackHandle handle_;
  int64_t begin_;
};

}  // namespace slimreel

#endif  // MODELS_FACTORY_FLOP_COUNTER_H_
