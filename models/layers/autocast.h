// Autocast for custom autograd functions. Their forward runs without autocast: backward
// would not see casts that are made inside, and the weight cache would keep copies
// without a graph. So inputs are cast before the function, where autograd records the cast.
//
// Threading: any thread. Reads the thread's autocast state.
#ifndef MODELS_LAYERS_AUTOCAST_H_
#define MODELS_LAYERS_AUTOCAST_H_

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace slimreel {

// x in the dtype that autocast uses for products on x's device. Returns x itself without
// autocast, and if autocast would not cast it (float64, integers, undefined).
at::Tensor CastForProduct(const at::Tensor& x);

// Is autocast enabled in this thread for x's device?
bool AutocastOn(const at::Tensor& x);

// Disables autocast in this thread while the object lives.
class WithoutAutocast {
 private:
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_AUTOCAST_H_
