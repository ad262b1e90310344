#include "trainer/setup/device_budget.h"

#include "base/bytes.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/policy/limits.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {

absl::StatusOr<int64_t> EnforceBudget(const Config& config, at::Device device) {
  if (!config.memory.budget.has_value()) return 0;
  Ceiling ceiling;
  if (device.is_cpu()) {
    SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
    ceiling = LowestCeiling(host, config.memory.budget);
  } else {
    const DeviceTotals totals = ReadDeviceTotals(device);
    ceiling = LowestDeviceCeiling(totals.total_bytes, totals.device, config.memory.budget);
  }
  LOG(INFO) << "memory ceiling: " << FormatBytes(ceiling.bytes) << " (" << ceiling.origin << ")";
  SLIMREEL_RETURN_IF_ERROR(SetDeviceBudget(device, ceiling.bytes));
  return ceiling.bytes;
}

}  // namespace slimreel
