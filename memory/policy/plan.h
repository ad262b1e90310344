// The plan of a step: how the effective batch is split into micro-batches, and the schedule of each
// micro-batch. Every decision about memory reads or makes one. Pure data.
#ifndef MEMORY_POLICY_PLAN_H_
#define MEMORY_POLICY_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/executor/schedule.h"

namespace slimreel {

struct Plan {
  int64_t micro_batch = 1;          // samples per forward pass
  Schedule schedule;                // of every micro-batch
  std::vector<std::string> stages;  // names of the scheduled stages, with the loss
  // A parameter is updated and its gradient freed as soon as its last gradient is complete. Only
  // for a step of one micro-batch.
  bool release = false;
  // The optimizer's state lives in host memory and comes to the device piece by piece.
  bool page_optimizer = false;
  // Inputs of checkpointed stages wait in host memory.
  bool offload_inputs = false;
  friend bool operator==(const Plan&, const Plan&) = default;
};

// A plan without any means beyond the split and the modes of the stages. `stages`: with the loss.
Plan MakePlan(int64_t micro_batch, const std::vector<StageMode>& modes,
              std::vector<std::string> stages);

// The schedule as memory.schedule's words or as operations (memory/executor/schedule_text.h).
std::string ScheduleText(const Plan& plan);

// For messages: "micro-batch 4, schedule every:2".
std::string DescribePlan(const Plan& plan);

}  // namespace slimreel

#endif  // MEMORY_POLICY_PLAN_H_
