// Runs each step in a scope of a memory manager that watches this process, as a run does.
//
// Threading: as ExecutorHooks; the manager has a thread of its own. Ownership: it owns the manager.
#ifndef TRAINER_BENCHMARK_MANAGED_STEPS_H_
#define TRAINER_BENCHMARK_MANAGED_STEPS_H_

#include <memory>

#include "memory/executor/executor.h"

namespace slimreel {

std::unique_ptr<ExecutorHooks> MakeManagedSteps();

}  // namespace slimreel

#endif  // TRAINER_BENCHMARK_MANAGED_STEPS_H_
