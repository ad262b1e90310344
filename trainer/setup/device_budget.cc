#include "trainer/setup/device_budget.h"

#include <pthread.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/warm_up.h"

namespace slimreel {
namespace {

// Note [What a run takes besides tensors]
// In use already, and so measured: code, libraries, thread stacks, kernel libraries' buffers, the
// indices of shards, what other processes of the same control group hold. Still to come: buffers
// of loaders (LoadingNeeds), and what grows with the run. README.md says how these were measured.
// Page tables take 1/512 of what they map, and the last page of each large block is not full.
constexpr int64_t kPageShare = 128;
// glibc maps this much for the heap of each new thread, and fills little of it.
constexpr int64_t kThreadHeapBytes = int64_t{64} << 20;

int64_t StackBytes() {
  pthread_attr_t attributes;
  size_t bytes = 0;
  pthread_attr_init(&attributes);
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<Ceiling> MeasureHost(const std::optional<ByteSpec>& budget,
                                    const LoadingNeeds& needs) {
  SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
  const int64_t pages = host.limits.front().bytes / kPageShare;
  const ProcessShare share{
      .tensor_bytes = ReadCpuMemory().reserved_bytes,
      .coming_bytes = kHostGrowthBytes + pages + needs.buffer_bytes,
      .coming_address_bytes = needs.threads * (StackBytes() + kThreadHeapBytes)};
  const Ceiling ceiling = TensorCeiling(host, share, budget);
  if (ceiling.bytes > 0) return ceiling;
  return NothingFitsError(absl::StrCat(
      ceiling.origin, " allows ",
      FormatBytes(ceiling.bytes + ceiling.outside_bytes + ceiling.coming_bytes), ", but ",
      FormatBytes(ceiling.outside_bytes), " are in use and ", FormatBytes(ceiling.coming_bytes),
      " needed outside of tensors, so nothing is left; ", "the run needs ",
      RaiseCeilingRemedy(ceiling.origin)));
}

void Log(const Ceiling& ceiling, const std::optional<ByteSpec>& budget) {
  LOG(INFO) << "memory ceiling: " << DescribeCeiling(ceiling);
  if (budget.has_value() && ceiling.origin != "memory.budget") {
    LOG(WARNING) << "memory.budget = " << FormatByteSpec(*budget) << " is more than "
                 << ceiling.origin << " leaves for tensors, so the ceiling is lower";
  }
}

}  // namespace

absl::StatusOr<Ceiling> EnforceBudget(const Config& config, at::Device device) {
  const std::optional<ByteSpec>& budget = config.memory.budget;
  Ceiling ceiling;
  if (device.is_cpu()) {
    if (!FitsInMemory(WarmUpCpu)) {
      return NothingFitsError("the system has no memory left to start with; free memory");
    }
    SLIMREEL_ASSIGN_OR_RETURN(ceiling, MeasureHost(budget, {}));
  } else {
    PrepareDeviceMemory(device);
    const DeviceTotals totals = ReadDeviceTotals(device);
    ceiling = DeviceCeiling(totals.total_bytes, totals.free_bytes, totals.device, budget);
  }
  Log(ceiling, budget);
  if (device.is_cpu() || budget.has_value()) {
    SLIMREEL_RETURN_IF_ERROR(SetDeviceBudget(device, ceiling.bytes, ceiling.origin));
  }
  return ceiling;
}

absl::Status LeaveRoomForLoading(const LoadingNeeds& needs, at::Device device, Ceiling* ceiling) {
  if (!device.is_cpu()) return absl::OkStatus();
  SLIMREEL_ASSIGN_OR_RETURN(Ceiling now, MeasureHost(std::nullopt, needs));
  if (now.bytes >= ceiling->bytes) return absl::OkStatus();
  now.stated_bytes = ceiling->stated_bytes;
  *ceiling = now;
  LOG(INFO) << "memory ceiling, now that data are open: " << DescribeCeiling(*ceiling);
  return SetDeviceBudget(device, ceiling->bytes, ceiling->origin);
}

}  // namespace slimreel
