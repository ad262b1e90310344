// Allows one training process per run folder. Two would delete each other's checkpoints and write
// every step twice.
//
// Threading: one thread. Ownership: a RunLock owns the lock, and the end of the process frees it.
#ifndef TRAINER_SETUP_RUN_LOCK_H_
#define TRAINER_SETUP_RUN_LOCK_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_lock.h"

namespace slimreel {

// A new run makes its folder late, when everything else is known to be in order. Until then it has
// nothing to lock.
class RunLock {
 public:
  // Locks the folder if it exists. Errors: FailedPrecondition, with the remedy, if another process
  // holds the lock; the file system's.
  static absl::StatusOr<RunLock> Take(const std::string& run_dir);
  // Makes the folder and locks it, if Take found none. FailedPrecondition also if another process
  // has begun the run since.
  absl::Status MakeFolder();

 private:
  explicit RunLock(std::string run_dir) : run_dir_(std::move(run_dir)) {}
  absl::Status Lock();

  std::string run_dir_;
  std::unique_ptr<FileLock> lock_;  // null: no folder yet
};

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_LOCK_H_
