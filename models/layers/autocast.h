// Autocast for autograd functions of our own: their forward sees no autocast
// (the casts would be lost to backward, and cached without a graph), so inputs
// are cast before the function, where autograd records it.
//
// Any thread; reads the thread's autocast state.
#ifndef MODELS_LAYERS_AUTOCAST_H_
#define MODELS_LAYERS_AUTOCAST_H_

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace slimreel {

// x in the dtype that autocast has for products on x's device; x itself without
// autocast, and where autocast would leave it (float64, integers, undefined).
at::Tensor CastForProduct(const at::Tensor& x);

bool AutocastOn(const at::Tensor& x);

// No autocast in this thread while it lives.
class WithoutAutocast {
 private:
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_AUTOCAST_H_
