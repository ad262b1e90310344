#include "models/layers/autocast.h"

#include <ATen/autocast_mode.h>

namespace slimreel {

bool AutocastOn(const at::Tensor& x) {
  return at::autocast::is_autocast_enabled(x.device().type());
}

at::Tensor CastForProduct(const at::Tensor& x) {
  if (!x.defined() || !AutocastOn(x)) return x;
  const c10::DeviceType device = x.device().type();
  return at::autocast::cached_cast(at::autocast::get_autocast_dtype(device), x, device);
}

}  // namespace slimreel
