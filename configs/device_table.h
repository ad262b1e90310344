// The table of accelerators that a run can be planned for without having one: configs/devices.yaml,
// which is built into the program.
//
// Threading: free functions, plain values.
#ifndef CONFIGS_DEVICE_TABLE_H_
#define CONFIGS_DEVICE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

struct DeviceProfile {
  std::string name;
  int64_t total_bytes = 0;
  int64_t usable_bytes = 0;     // what a training process can reserve
  double fp32_tflops = 0.0;     // peak of dense matrix products
  double half_tflops = 0.0;     // the same in float16 or bfloat16
  double bandwidth_gb_s = 0.0;  // of the device's memory, 10^9 bytes
  double link_gb_s = 0.0;       // to the host, one way
  int64_t workspace_bytes = 0;  // that matrix products reserve in the process
};

// From the least to the most usable memory.
const std::vector<DeviceProfile>& DeviceTable();

// NotFound: the table has no such name; the message has the nearest one and the list.
absl::StatusOr<DeviceProfile> FindDevice(const std::string& name);

// Reads a table. InvalidArgument names `source`, the line, the device, the field, and what is
// allowed.
absl::StatusOr<std::vector<DeviceProfile>> ParseDeviceTable(const std::string& yaml,
                                                            const std::string& source);

}  // namespace slimreel

#endif  // CONFIGS_DEVICE_TABLE_H_
