// A stand-in for an accelerator, for tests: LibTorch's open device kind (PrivateUse1) over memory
// of the host. Its operations run the CPU's kernels. So code runs that asks "is this the CPU?", and
// what would wait for a real device is counted.
//
// Threading: as a device's; autograd runs its backward passes on a thread of their own.
#ifndef MODELS_TESTING_STAND_IN_DEVICE_H_
#define MODELS_TESTING_STAND_IN_DEVICE_H_

#include <c10/core/Device.h>

#include <cstdint>

namespace slimreel {

// Makes the device usable. Call it before the first backward pass of the process, because autograd
// counts the devices only then. Later calls only return it.
at::Device StandInDevice();

// What crossed the link since the last call. Numbers that travel as arguments of kernels do not
// count.
struct LinkTraffic {
  int64_t num_uploads = 0;    // tensors of the host with a dimension
  int64_t num_downloads = 0;  // tensors to the host, item() among them
};
LinkTraffic TakeLinkTraffic();

}  // namespace slimreel

#endif  // MODELS_TESTING_STAND_IN_DEVICE_H_
