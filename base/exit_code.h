// The exit codes of all programs, and which error gives which code.
#ifndef BASE_EXIT_CODE_H_
#define BASE_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace slimreel {

enum class ExitCode {
  kDone = 0,
  kInternal = 1,      // an internal error, or an error of the machine: disk full, not writable
  kUsage = 2,         // wrong flags or configuration, a path that does not exist
  kDataUnusable = 3,  // no sample written, damaged shard, no intact checkpoint
  kNothingFits = 4,   // nothing fits the memory budget
  // Stopped by a signal before the work was done (EX_TEMPFAIL of sysexits.h). What was saved
  // stays, and running the same command again continues from there. This includes a stop while
  // there was nothing to save. A second signal ends the process with 128 + its number instead.
  kStopped = 75,
};

// Attaches an exit code to `status`, for errors whose status code would give another one. A code
// that was attached before stays.
absl::Status WithExitCode(absl::Status status, ExitCode code);

// ResourceExhausted that gives kNothingFits (a full disk gives kInternal).
absl::Status NothingFitsError(absl::string_view message);
// Cancelled, which gives kStopped.
absl::Status StoppedError(absl::string_view message);

// The attached code if there is one, else by the status code:
//   OK                                                              kDone
//   InvalidArgument, NotFound, AlreadyExists, FailedPrecondition,
//   OutOfRange, Unimplemented                                       kUsage
//   DataLoss                                                        kDataUnusable
//   Cancelled                                                       kStopped
//   all others                                                      kInternal
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace slimreel

#endif  // BASE_EXIT_CODE_H_
