#include "trainer/setup/device_budget.h"

#include <optional>

#include "base/bytes.h"
#include "base/logging.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {

namespace {

absl::StatusOr<Ceiling> FindCeiling(const std::optional<ByteSpec>& budget, at::Device device) {
  if (device.is_cpu()) {
    SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
    return LowestCeiling(host, budget);
  }
  const DeviceTotals totals = ReadDeviceTotals(device);
  return LowestDeviceCeiling(totals.total_bytes, totals.device, budget);
}

}  // namespace

absl::StatusOr<int64_t> EnforceBudget(const Config& config, at::Device device) {
  if (!config.memory.budget.has_value()) return 0;
  SLIMREEL_ASSIGN_OR_RETURN(const Ceiling ceiling, FindCeiling(config.memory.budget, device));
  LOG(INFO) << "memory ceiling: " << FormatBytes(ceiling.bytes) << " (" << ceiling.origin << ")";
  SLIMREEL_RETURN_IF_ERROR(SetDeviceBudget(device, ceiling.bytes));
  return ceiling.bytes;
}

int64_t MachineCeilingBytes(at::Device device) {
  const absl::StatusOr<Ceiling> ceiling = FindCeiling(std::nullopt, device);
  return ceiling.ok() ? ceiling->bytes : 0;
}

}  // namespace slimreel
