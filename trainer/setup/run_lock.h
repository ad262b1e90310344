// One training process per run folder: two would delete each other's checkpoints and
// write every step twice.
//
// Who calls it: train_command. Threading: one thread. Holds no tensor.
#ifndef TRAINER_SETUP_RUN_LOCK_H_
#define TRAINER_SETUP_RUN_LOCK_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"

namespace slimreel {

// A run folder is made late, when all else is known to be in order; until then a new run
// has nothing to lock.
class RunLock {
 public:
  // Locks the folder where it is there. FailedPrecondition, with the remedy, where another
  // process holds it; else the file system's errors.
  static absl::StatusOr<RunLock> Take(const std::string& run_dir);
  // Makes the folder and locks it, where Take found none. FailedPrecondition also where
  // another process has begun the run since.
  absl::Status MakeFolder();

 private:
  explicit RunLock(std::string run_dir) : run_dir_(std::move(run_dir)) {}
  absl::Status Lock();

  std::string run_dir_;
  std::unique_ptr<FileLock> lock_;  // null: no folder yet
};

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_LOCK_H_
