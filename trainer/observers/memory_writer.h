// RUN/memory.jsonl: one reading per logged step.
//
// Threading: the trainer's thread.
#ifndef TRAINER_OBSERVERS_MEMORY_WRITER_H_
#define TRAINER_OBSERVERS_MEMORY_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/observers/observer.h"

namespace slimreel {

// {"step", "live_bytes", "peak_bytes", "reserved_bytes", "host_bytes", "loader_bytes",
// "budget_bytes", "by_tag", "phases"}, at every `every_steps`-th step and at each step that was
// retried. README.md has the fields. Accelerators, and lines of earlier versions, lack the last
// two. `resumed_step`: lines of later steps are removed; 0 for a new run. Errors: those of
// JsonlFile::Open.
absl::StatusOr<std::unique_ptr<Observer>> MakeMemoryWriter(const std::string& run_dir,
                                                           int64_t resumed_step,
                                                           int64_t every_steps);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_MEMORY_WRITER_H_
