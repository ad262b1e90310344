#include "data/decode/system_error.h"

extern "C" {
#include <libavutil/error.h>
}

#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

absl::Status Machine(const std::string& path, int error_number) {
  const char* remedy = "";
  if (error_number == ENOMEM) remedy = "; run fewer workers, or give the process more memory";
  if (error_number == EMFILE) remedy = "; raise `ulimit -n`, or run fewer workers";
  return MachineError(absl::StrCat(path, ": ", std::strerror(error_number),
                                   " (the machine's limit, not the file's fault)", remedy));
}

bool IsMachines(int error_number) {
  return error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE ||
         error_number == ENOBUFS || error_number == ENOSPC;
}

}  // namespace

absl::Status ErrnoStatus(const std::string& path, int error_number) {
  if (IsMachines(error_number)) return Machine(path, error_number);
  const std::string text = absl::StrCat(path, ": ", std::strerror(error_number));
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return MediaError(absl::StatusCode::kNotFound, kReasonNotFound, text);
    case EACCES:
    case EPERM:
    case ELOOP:
      return MediaError(absl::StatusCode::kPermissionDenied, kReasonUnreadable, text);
    default:
      return MediaError(absl::StatusCode::kUnavailable, kReasonIoError, text);
  }
}

// Note [Whose ENOMEM]
//
// libav says ENOMEM where malloc failed, and also where a damaged header asked for more than
// INT_MAX bytes, which it refuses by itself (av_max_alloc). The first is the machine's and stops
// the run; the second must not: one bad file would stop every run. So the largest block that
// libav grants is asked for. Where the machine gives it (untouched, so it costs nothing), the
// request that failed was the file's. Where it does not, the machine is taken to be short: a run
// that stops without need is better than a sound file that is lost.
absl::Status MachineErrorOf(const std::string& path, int libav_error) {
  const int error_number = AVUNERROR(libav_error);
  if (!IsMachines(error_number)) return absl::OkStatus();
  if (error_number == ENOMEM && !MemoryIsShort()) return absl::OkStatus();
  return Machine(path, error_number);
}

bool MemoryIsShort() { return NewBlock(INT_MAX) == nullptr; }

}  // namespace slimreel
