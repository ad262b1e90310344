// The plan in force during a run. Out of memory in a step tightens it. At a checkpoint, when the
// pressure has gone, it goes back to what it was (memory/policy/relax.h).
//
// Threading: one thread. Ownership: borrows the step and the state.
#ifndef TRAINER_LOOP_PLAN_IN_FORCE_H_
#define TRAINER_LOOP_PLAN_IN_FORCE_H_

#include <cstdint>

#include "memory/policy/plan.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/loop/train_step.h"
#include "trainer/planning/plan_page.h"

namespace slimreel {

// The memory of the device, at a checkpoint.
struct CheckpointMemory {
  bool under_pressure = false;
  int64_t ceiling_bytes = 0;  // of tensors, by what is left now; 0: unknown
};

class PlanInForce {
 public:
  // `report`: of the plan that the run starts with.
  PlanInForce(TrainStep* step, TrainState* state, PlanReport report);

  // After each step: the state takes over the step's plan. True: it was tightened, and report() has
  // changed.
  bool AfterStep();
  // Before a checkpoint is written. True: the plan was relaxed, and report() has changed.
  bool BeforeCheckpoint(const CheckpointMemory& memory);

  const PlanReport& report() const { return report_; }

 private:
  void Relax();

  TrainStep* step_;
  TrainState* state_;
  Plan plan_;          // in force at the end of the last step
  PlanReport first_;   // of the plan that the run started with
  PlanReport report_;  // of the plan in force
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_PLAN_IN_FORCE_H_
