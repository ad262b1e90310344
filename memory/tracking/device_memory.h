// One reading of tensor memory for every device: the CPU's comes from this
// project's allocator, an accelerator's from its caching allocator through the
// generic interface of c10, so that no CUDA header is needed.
//
// Called by the trainer's observers and by //memory:diagnose. Threading: any thread.
#ifndef MEMORY_TRACKING_DEVICE_MEMORY_H_
#define MEMORY_TRACKING_DEVICE_MEMORY_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct DeviceMemoryReading {
  int64_t live_bytes = 0;  // requested bytes of live tensors
  int64_t peak_live_bytes = 0;
  int64_t reserved_bytes = 0;  // with blocks kept for reuse
  int64_t peak_reserved_bytes = 0;
  int64_t num_refusals = 0;
};

struct DeviceTotals {
  std::string device;  // "cuda:0"
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
};

DeviceMemoryReading ReadDeviceMemory(at::Device device);
void ResetDevicePeaks(at::Device device);
// Gives kept blocks back to the system or the driver.
void ReleaseKeptDeviceBlocks(at::Device device);

// A hard ceiling of tensor memory, enforced by the allocator; 0: none. False
// where the device's allocator has no such thing (an accelerator other than CUDA).
bool SetDeviceBudget(at::Device device, int64_t budget_bytes);

// Accelerators that this process sees; empty where LibTorch has none.
std::vector<DeviceTotals> ListAccelerators();

}  // namespace slimreel

#endif  // MEMORY_TRACKING_DEVICE_MEMORY_H_
