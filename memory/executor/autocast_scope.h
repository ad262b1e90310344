// Autocast around one visit of a stage: matrix products and convolutions compute in half
// precision; operations that need range stay in float32 (ATen's own lists).
//
// Threading: autocast's state belongs to the calling thread.
#ifndef MEMORY_EXECUTOR_AUTOCAST_SCOPE_H_
#define MEMORY_EXECUTOR_AUTOCAST_SCOPE_H_

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <optional>

#include "memory/stage/stage.h"

namespace slimreel {

// See Note [No autocast cache].
class AutocastScope {
 public:
  // `dtype`: kHalf or kBFloat16; nullopt changes nothing. The device is that of `inputs`.
  AutocastScope(std::optional<at::ScalarType> dtype, const Tensors& inputs);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  const bool active_;
  at::DeviceType device_ = at::kCPU;
  bool was_enabled_ = false;
  bool was_caching_ = false;
  at::ScalarType previous_ = at::kFloat;
};

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_AUTOCAST_SCOPE_H_
