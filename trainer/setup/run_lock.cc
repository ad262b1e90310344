#include "trainer/setup/run_lock.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

std::string LockPath(const std::string& run_dir) { return absl::StrCat(run_dir, "/.train.lock"); }

}  // namespace

absl::StatusOr<RunLock> RunLock::Take(const std::string& run_dir) {
  RunLock taken(run_dir);
  std::error_code error;
  if (fs::is_directory(run_dir, error)) SLIMREEL_RETURN_IF_ERROR(taken.Lock());
  return taken;
}

absl::Status RunLock::MakeFolder() {
  if (lock_ != nullptr) return absl::OkStatus();
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(run_dir_));
  SLIMREEL_RETURN_IF_ERROR(Lock());
  std::error_code error;
  if (!fs::exists(absl::StrCat(run_dir_, "/config.yaml"), error)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(run_dir_,
                   ": another process has begun this run in the meantime; run the same command "
                   "again to go on from it, or give another --run"));
}

absl::Status RunLock::Lock() {
  SLIMREEL_ASSIGN_OR_RETURN(lock_, FileLock::Try(LockPath(run_dir_)));
  if (lock_ != nullptr) return lock_->WriteNote(absl::StrCat("process ", getpid()));
  const auto holder = FileLock::NoteOfHolder(LockPath(run_dir_));
  const bool told = holder.ok() && holder->has_value() && !(*holder)->empty();
  return absl::FailedPreconditionError(
      absl::StrCat(run_dir_, ": ", told ? **holder : "another process",
                   " is training in this run folder; wait for it, stop it (SIGTERM saves), or "
                   "give another --run"));
}

}  // namespace slimreel
