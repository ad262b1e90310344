#include "memory/recovery/out_of_memory.h"

#include <c10/util/Exception.h>

#include <dnnl.hpp>
#include <new>

namespace slimreel {

bool IsOutOfMemory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* const dnnl_error = dynamic_cast<const dnnl::error*>(&error);
  return dnnl_error != nullptr && dnnl_error->status == dnnl_out_of_memory;
}

}  // namespace slimreel
