// The reference for the solver's tests: every persistent schedule of a small chain, written down
// one operation after the other, and a replay that counts live storages. Shares no code or
// recurrence with memory/planner/optimal_schedule.h.
#ifndef MEMORY_PLANNER_PERSISTENT_SCHEDULES_H_
#define MEMORY_PLANNER_PERSISTENT_SCHEDULES_H_

#include <cstdint>
#include <vector>

#include "memory/planner/optimal_schedule.h"

namespace slimreel {

// All schedules in which what is stored (an input, or the graph and the output of a kept stage)
// stays until its backward, and every sweep starts at the last stored input.
std::vector<Schedule> AllPersistentSchedules(const std::vector<StageCosts>& stages);

struct Replayed {
  int64_t peak_slots = 0;
  double time_ms = 0.0;
};

// Counts what is alive during each operation. Each stored thing, and what the running operation
// holds beside the stored things, is rounded up to whole slots.
Replayed ReplayInSlots(const std::vector<StageCosts>& stages, const Schedule& schedule,
                       int64_t slot_bytes);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_PERSISTENT_SCHEDULES_H_
