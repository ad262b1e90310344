#include "trainer/setup/state_paging.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/memory_limits.h"
#include "memory/paging/pager.h"
#include "memory/recovery/fits_in_memory.h"
#include "trainer/optim/state_bytes.h"

namespace slimreel {
namespace {

constexpr double kShareOfHost = 0.8;     // of what an accelerator's host has left
constexpr double kShareOfCeiling = 0.5;  // weights, gradients and state together
constexpr int64_t kLinkBytes = 4 << 20;  // of the copies that are timed
constexpr int kLinkCopies = 4;
constexpr double kSlowLink = 1e6;  // bytes per ms: assumed where nothing can be measured

}  // namespace

int64_t HostBytesForPlans(const Config& config, at::Device device) {
  if (!config.memory.allow.paging && !config.memory.allow.offload) return 0;
  if (device.is_cpu() && !config.memory.host_budget) return 0;
  const auto host = ReadHostMemory();
  if (!host.ok()) return 0;
  if (config.memory.host_budget) {
    return LowestFreeCeiling(*host, config.memory.host_budget, "memory.host_budget").bytes;
  }
  return static_cast<int64_t>(kShareOfHost * static_cast<double>(host->headroom_bytes()));
}

bool StateBeginsOnHost(const Config& config, const RunRequest& request, const Model& model) {
  const int64_t ceiling = request.ceiling.bytes;
  if (ceiling <= 0 || !config.memory.allow.paging) return false;
  int64_t bytes = 0;
  std::vector<NamedTensor> trainable;
  for (const NamedTensor& named : Parameters(model)) {
    bytes += static_cast<int64_t>(named.tensor.nbytes());
    if (named.tensor.requires_grad()) trainable.push_back(named);
  }
  for (const NamedTensor& named : trainable) bytes += static_cast<int64_t>(named.tensor.nbytes());
  const int64_t state = OptimizerStateBytes(config.train, trainable, /*block_bytes=*/1);
  const int64_t on_host = OptimizerStateBytes(config.train, trainable, kPageAlignment);
  if (HostPool::TakenBytes(on_host, request.device) > HostBytesForPlans(config, request.device)) {
    return false;
  }
  if (request.start && request.start->state.page_optimizer) return true;
  bytes += state;
  return static_cast<double>(bytes) > kShareOfCeiling * static_cast<double>(ceiling);
}

double MeasureLink(HostPool& pool, at::Device device) {
  const c10::AutoGradMode no_grad(false);
  double bytes_per_ms = kSlowLink;
  FitsInMemory([&] {
    at::Tensor host = pool.Allocate(kLinkBytes, device);
    at::Tensor on_device = at::empty({kLinkBytes}, host.options().device(device));
    const auto copy = [&] {
      on_device.copy_(host);
      host.copy_(on_device);
      if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
    };
    copy();
    const auto start = std::chrono::steady_clock::now();
    for (int n = 0; n < kLinkCopies; ++n) copy();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    bytes_per_ms = 2.0 * kLinkCopies * kLinkBytes / std::max(1e-3, took.count());
  });
  return bytes_per_ms;
}

}  // namespace slimreel
