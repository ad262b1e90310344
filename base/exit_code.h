// The exit codes of all programs, and which error ends in which.
#ifndef BASE_EXIT_CODE_H_
#define BASE_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace slimreel {

enum class ExitCode {
  kDone = 0,
  kInternal = 1,      // an internal error or the machine's: disk full, not writable
  kUsage = 2,         // flags, configuration, a path that is not there
  kDataUnusable = 3,  // no sample written, damaged shard, no intact checkpoint
  kNothingFits = 4,   // nothing fits the budget
  kStopped = 75,      // stopped by a signal after saving; run again to go on
};

// `status` with the exit code it shall end in, for where the status code alone
// says something else. Keeps a code that was attached before.
absl::Status WithExitCode(absl::Status status, ExitCode code);

// ResourceExhausted that ends in kNothingFits (a full disk ends in kInternal).
absl::Status NothingFitsError(absl::string_view message);
// Cancelled, which ends in kStopped.
absl::Status StoppedError(absl::string_view message);

// The attached code, else: OK done; InvalidArgument, NotFound, AlreadyExists,
// FailedPrecondition, OutOfRange, Unimplemented usage; DataLoss data unusable;
// Cancelled stopped; all others internal.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace slimreel

#endif  // BASE_EXIT_CODE_H_
