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

absl::Status MachineStatus(const std::string& path, int error_number) {
  const char* remedy = "";
  if (error_number == ENOMEM) remedy = "; run fewer workers, or give the process more memory";
  if (error_number == EMFILE) remedy = "; raise `ulimit -n`, or run fewer workers";
  return MachineError(absl::StrCat(path, ": ", std::strerror(error_number),
                                   " (a limit of the machine, not a fault of the file)", remedy));
}

bool IsMachineErrno(int error_number) {
  return error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE ||
         error_number == ENOBUFS || error_number == ENOSPC;
}

}  // namespace

absl::Status ErrnoStatus(const std::string& path, int error_number) {
  if (IsMachineErrno(error_number)) return MachineStatus(path, error_number);
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
// libav returns ENOMEM in two cases: malloc failed, or a damaged header asked for more than INT_MAX
// bytes, which libav itself refuses (av_max_alloc). The first is an error of the machine and stops
// the run. The second must not stop it, or one bad file would stop every run.
//
// To tell them apart, we allocate the largest block that libav grants. It is never touched, so it
// costs nothing. If the allocation succeeds, the failed request was the file's fault. If it fails,
// we take the machine to be short of memory: stopping without need is better than losing a good
// file.
absl::Status MachineErrorOf(const std::string& path, int libav_error) {
  const int error_number = AVUNERROR(libav_error);
  if (!IsMachineErrno(error_number)) return absl::OkStatus();
  if (error_number == ENOMEM && !MemoryIsShort()) return absl::OkStatus();
  return MachineStatus(path, error_number);
}

bool MemoryIsShort() { return NewBlock(INT_MAX) == nullptr; }

}  // namespace slimreel
