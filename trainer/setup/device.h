// Which device a run computes on.
#ifndef TRAINER_SETUP_DEVICE_H_
#define TRAINER_SETUP_DEVICE_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

// The device that trainer.device names. `auto` is the first CUDA device, or the CPU if there is
// none. InvalidArgument, with the devices of this machine: `device` is not one of them, or is no
// word of the key.
absl::StatusOr<at::Device> ResolveDevice(const std::string& device);
// The same for a machine with `num_cuda` CUDA devices.
absl::StatusOr<at::Device> ResolveDevice(const std::string& device, int64_t num_cuda);

}  // namespace slimreel

#endif  // TRAINER_SETUP_DEVICE_H_
