#include "memory/recovery/exceeded_limit.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/memory_limits.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {

ExceededLimit FindExceededLimit(at::Device device) {
  if (!device.is_cpu()) return {"memory.budget", "raise memory.budget"};
  if (CpuBudget() > 0) {
    return {absl::StrCat(CpuBudgetOrigin(), " = ", CpuBudget(), " bytes"),
            absl::StrCat("get ", RaiseCeilingRemedy(CpuBudgetOrigin()))};
  }
  const auto host = ReadHostMemory();
  if (!host.ok()) return {"the memory of this machine", "free memory"};
  const Ceiling ceiling = LowestCeiling(*host, /*user=*/std::nullopt);
  return {absl::StrCat("what this machine allows (", ceiling.origin, ": ", ceiling.bytes,
                       " bytes; ", host->headroom_bytes(), " bytes are free)"),
          "free memory"};
}

}  // namespace slimreel
