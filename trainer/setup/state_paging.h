// Whether, and for how much, the optimizer's state may leave the device for host memory.
//
// Reads the machine's limits. Threading: one thread.
#ifndef TRAINER_SETUP_STATE_PAGING_H_
#define TRAINER_SETUP_STATE_PAGING_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "configs/schema.h"
#include "memory/paging/host_pool.h"
#include "models/chain/model.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

// Host bytes that a plan may take for the optimizer's state and stage inputs; 0: all stays on the
// device. On the CPU they leave the counted memory only for memory.host_budget, so that a budget
// alone bounds all of it.
int64_t HostBytesForPlans(const Config& config, at::Device device);

// True if the state begins in host memory: it fits there, and a checkpoint's plan has it there, or
// weights, gradients and state together take more than half of the ceiling. The plan that is made
// later may bring it back.
bool StateBeginsOnHost(const Config& config, const RunRequest& request, const Model& model);

// Bytes per ms of copies between host and device, each way. A slow one is assumed if there is no
// room to measure.
double MeasureLink(HostPool& pool, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_STATE_PAGING_H_
