// The plan of a step: how the effective batch is split into micro-batches, and what each stage
// keeps for its backward pass. Every decision about memory reads or makes one. Pure data.
#ifndef MEMORY_POLICY_PLAN_H_
#define MEMORY_POLICY_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/executor/schedule.h"

namespace slimreel {

struct Plan {
  int64_t micro_batch = 1;       // samples per forward pass
  std::vector<StageMode> modes;  // one per scheduled stage, without the loss
  friend bool operator==(const Plan&, const Plan&) = default;
};

// "micro-batch 4, schedule every:2". A plan without modes reads as "schedule keep".
std::string DescribePlan(const Plan& plan);

}  // namespace slimreel

#endif  // MEMORY_POLICY_PLAN_H_
