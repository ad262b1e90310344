#include "memory/executor/autocast_scope.h"

#include <ATen/autocast_mode.h>

namespace slimreel {
namespace {

// Note [No autocast cache]
// Autocast can keep the half-precision copy of a weight for the next use inside the scope.
// A copy made by a forward pass without grad has no edge back to the weight. A stage that then
// runs again with grad would use this copy, and its weight would get no gradient. The copies
// also live until the outermost scope ends, and no plan counts them. A stage uses each weight
// once, so the cache would save nothing.
constexpr bool kCache = false;

at::DeviceType DeviceOf(const Tensors& inputs) {
  for (const at::Tensor& input : inputs) {
    if (input.defined()) return input.device().type();
  }
  return at::kCPU;
}

}  // namespace

AutocastScope::AutocastScope(std::optional<at::ScalarType> dtype, const Tensors& inputs)
    : active_(dtype.has_value()) {
  if (!active_) return;
  device_ = DeviceOf(inputs);
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  was_caching_ = at::autocast::is_autocast_cache_enabled();
  previous_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_cache_enabled(kCache);
  at::autocast::set_autocast_dtype(device_, *dtype);
  at::autocast::set_autocast_enabled(device_, true);
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_);
  at::autocast::set_autocast_cache_enabled(was_caching_);
}

}  // namespace slimreel
