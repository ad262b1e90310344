#include "memory/recovery/attempt_watch.h"

#include "base/logging.h"
#include "memory/recovery/out_of_memory.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {
namespace {

// In all, since the process started.
AttemptRefusals ReadRefusals(at::Device device) {
  return {.host = ReadDeviceMemory(at::kCPU).num_refusals,
          .accelerator = device.is_cpu() ? 0 : ReadDeviceMemory(device).num_refusals};
}

}  // namespace

bool RanOutOfMemory(AttemptEnd end, const AttemptRefusals& refusals) {
  switch (end) {
    case AttemptEnd::kNoError:
      return refusals.accelerator > 0;
    case AttemptEnd::kOutOfMemory:
      return true;
    case AttemptEnd::kOtherError:
      return refusals.host > 0 || refusals.accelerator > 0;
  }
  return false;
}

AttemptWatch::AttemptWatch(at::Device device) : device_(device), before_(ReadRefusals(device)) {}

AttemptRefusals AttemptWatch::Refusals() const {
  const AttemptRefusals now = ReadRefusals(device_);
  return {.host = now.host - before_.host, .accelerator = now.accelerator - before_.accelerator};
}

bool AttemptWatch::RanOutOfMemory(const std::exception& error) const {
  if (IsOutOfMemory(error)) return true;
  if (!RanOutOfMemory(AttemptEnd::kOtherError)) return false;
  LOG(WARNING) << "memory was refused, and then a library failed. This counts as out of memory. "
               << "Its error: " << error.what();
  return true;
}

}  // namespace slimreel
