#include "memory/tracking/warm_up.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

// Note [What is started before a limit]
// libgomp ends the process if it cannot start a thread of its team, for example under ulimit -v.
// And what the kernel libraries take once (code pages, JIT-compiled kernels, buffers of each
// thread) comes with the first step otherwise, after the ceiling was measured. Threads of loaders
// start and end during the run; the ceiling leaves room for their stacks instead. Autograd runs
// on the thread that calls it as long as the device is the CPU.
void StartTeam() {
  at::parallel_for(0, at::get_num_threads(), 1, [](int64_t /*begin*/, int64_t /*end*/) {});
}

void Compute() {
  const at::AutoGradMode with_grad(true);
  const at::Tensor kernel = at::ones({32, 16, 3, 3, 3}).requires_grad_();
  const at::Tensor image = at::ones({2, 16, 8, 28, 28});
  const at::Tensor matrix = at::ones({512, 512}).requires_grad_();
  at::conv3d(image, kernel, {}, 1, 1).sum().add(matrix.mm(matrix).sum()).backward();
}

}  // namespace

void WarmUpCpu() {
  StartTeam();
  Compute();
  ReleaseKeptCpuBlocks();
  ResetCpuPeaks();
}

}  // namespace slimreel
