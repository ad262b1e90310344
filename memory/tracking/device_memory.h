// Reads and bounds tensor memory for every device. The CPU's numbers come from this project's
// allocator. An accelerator's come from its caching allocator through c10's generic interface, so
// no CUDA header is needed. The type of the device decides at run time.
//
// Threading: any thread.
#ifndef MEMORY_TRACKING_DEVICE_MEMORY_H_
#define MEMORY_TRACKING_DEVICE_MEMORY_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {

struct DeviceMemoryReading {
  int64_t live_bytes = 0;  // requested bytes of live tensors; on the CPU + of charges
  int64_t peak_live_bytes = 0;
  int64_t reserved_bytes = 0;  // live + blocks kept for reuse
  int64_t peak_reserved_bytes = 0;
  int64_t num_refusals = 0;
  int64_t needed_bytes = 0;  // live + requested bytes at the last refusal; 0: none or unknown
  // The tags of live_bytes and of peak_live_bytes, and the peak of each phase. Only the CPU's
  // allocator knows them: on an accelerator all are zero.
  BytesByTag live_by_tag{};
  BytesByTag peak_by_tag{};
  PeakByPhase peak_by_phase{};
};

struct DeviceTotals {
  std::string device;  // "cuda:0"
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
};

// All zeros for an accelerator that has not held a tensor yet.
DeviceMemoryReading ReadDeviceMemory(at::Device device);
void ResetDevicePeaks(at::Device device);
// Gives kept blocks back to the system or the driver.
void ReleaseKeptDeviceBlocks(at::Device device);
// The same on the CPU and, if one is in use, on the accelerator.
void ReleaseAllKeptBlocks();

// Gives the memory of `tensor` another tag (see RetagCpuBlock). Does nothing if the tensor is
// undefined, on an accelerator, or in memory that the CPU's allocator did not make.
void RetagTensor(const at::Tensor& tensor, MemoryTag tag);

// Makes an accelerator's allocator waste less (UseExpandableSegments). Call it before the device's
// first tensor and before SetDeviceBudget. Does nothing on the CPU.
void PrepareDeviceMemory(at::Device device);

// Sets a hard ceiling (> 0) of tensor memory. The device's allocator enforces it with
// c10::OutOfMemoryError. `origin` names what sets the ceiling, for messages. On the CPU it may be
// set at any time, on an accelerator only before the device's first tensor. Errors: see
// SetAcceleratorBudget.
absl::Status SetDeviceBudget(at::Device device, int64_t budget_bytes,
                             const std::string& origin = "memory.budget");

// The total and free memory of the accelerator `device`.
DeviceTotals ReadDeviceTotals(at::Device device);
// The accelerators that this process sees; empty if LibTorch has none.
std::vector<DeviceTotals> ListAccelerators();

}  // namespace slimreel

#endif  // MEMORY_TRACKING_DEVICE_MEMORY_H_
