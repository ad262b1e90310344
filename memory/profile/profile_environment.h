// What decides, besides the model and the shapes, which kernels run, what they allocate and how
// long they take. Profiles of one environment say nothing of another.
//
// Threading: while no other thread sets LibTorch's flags.
#ifndef MEMORY_PROFILE_PROFILE_ENVIRONMENT_H_
#define MEMORY_PROFILE_PROFILE_ENVIRONMENT_H_

#include <c10/core/Device.h>

#include <string>

namespace slimreel {

// As they are now: the program with its libraries, the processor, the device, the number of
// threads, LibTorch's version and flags, and environment variables that kernel libraries read.
std::string DescribeEnvironment(at::Device device);

}  // namespace slimreel

#endif  // MEMORY_PROFILE_PROFILE_ENVIRONMENT_H_
