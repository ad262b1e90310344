// One reading of tensor memory for every device: the CPU's comes from this
// project's allocator, an accelerator's from its caching allocator through the
// generic interface of c10, so that no CUDA header is needed. What is done is
// decided at run time by the type of the device.
//
// Called by the trainer (budget, readings, clean-up) and by //memory:diagnose.
// Threading: any thread.
#ifndef MEMORY_TRACKING_DEVICE_MEMORY_H_
#define MEMORY_TRACKING_DEVICE_MEMORY_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace slimreel {

struct DeviceMemoryReading {
  int64_t live_bytes = 0;  // requested bytes of live tensors; CPU: and charged batches
  int64_t peak_live_bytes = 0;
  int64_t reserved_bytes = 0;  // with blocks kept for reuse
  int64_t peak_reserved_bytes = 0;
  int64_t num_refusals = 0;
  int64_t needed_bytes = 0;  // live + requested at the last refusal; 0: none, or not known
};

struct DeviceTotals {
  std::string device;  // "cuda:0"
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
};

// Zeros for an accelerator that holds no tensor yet.
DeviceMemoryReading ReadDeviceMemory(at::Device device);
void ResetDevicePeaks(at::Device device);
// Gives kept blocks back to the system or the driver.
void ReleaseKeptDeviceBlocks(at::Device device);
// The same on the CPU and on the accelerator, where one is in use.
void ReleaseAllKeptBlocks();

// A hard ceiling of tensor memory (> 0), enforced by the device's allocator with
// c10::OutOfMemoryError: at once on the CPU, before its first tensor on an accelerator.
// Errors: see SetAcceleratorBudget.
absl::Status SetDeviceBudget(at::Device device, int64_t budget_bytes);

// What the accelerator `device` has in all and free.
DeviceTotals ReadDeviceTotals(at::Device device);
// Accelerators that this process sees; empty where LibTorch has none.
std::vector<DeviceTotals> ListAccelerators();

}  // namespace slimreel

#endif  // MEMORY_TRACKING_DEVICE_MEMORY_H_
