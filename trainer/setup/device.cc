#include "trainer/setup/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace slimreel {

absl::StatusOr<at::Device> ResolveDevice(const std::string& device) {
  return ResolveDevice(device, at::hasCUDA() ? at::accelerator::deviceCount() : 0);
}

absl::StatusOr<at::Device> ResolveDevice(const std::string& device, int64_t num_cuda) {
  if (device == "cpu") return at::Device(at::kCPU);
  const at::Device first(at::kCUDA, 0);
  if (device == "auto") return num_cuda > 0 ? first : at::Device(at::kCPU);
  int64_t index = device == "cuda" ? 0 : -1;
  const absl::string_view number =
      absl::StartsWith(device, "cuda:") ? absl::string_view(device).substr(5) : absl::string_view();
  const bool numbered =
      absl::c_all_of(number, absl::ascii_isdigit) && absl::SimpleAtoi(number, &index);
  if (device != "cuda" && !numbered) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.device is \"", device, "\"; allowed is auto | cpu | cuda | cuda:i"));
  }
  if (index < num_cuda) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  std::vector<std::string> there = {"auto", "cpu"};
  for (int64_t i = 0; i < num_cuda; ++i) there.push_back(absl::StrCat("cuda:", i));
  return absl::InvalidArgumentError(
      absl::StrCat("trainer.device is ", device, ", but LibTorch finds ",
                   num_cuda == 0 ? "no CUDA device" : absl::StrCat(num_cuda, " CUDA device(s)"),
                   "; allowed here are ", absl::StrJoin(there, ", ")));
}

}  // namespace slimreel
