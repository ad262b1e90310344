// Turns an errno, or a return value of libav that holds one, into an error of the file or of the
// machine (media_error.h).
//
// Threading: any thread.
#ifndef DATA_DECODE_SYSTEM_ERROR_H_
#define DATA_DECODE_SYSTEM_ERROR_H_

#include <string>

#include "absl/status/status.h"

namespace slimreel {

// The Status for a call on `path` that failed with `error_number`. If memory, descriptors, buffers
// or room on the disk ran out, it is an error of the machine. A missing file is `not_found`,
// missing permission is `unreadable`, and all else, such as EIO, ESTALE or ETIMEDOUT, is
// `io_error`.
absl::Status ErrnoStatus(const std::string& path, int error_number);

// The error of the machine that `libav_error` stands for; OK if it says something about the file.
// See Note [Whose ENOMEM] in system_error.cc.
absl::Status MachineErrorOf(const std::string& path, int libav_error);

// True if the largest block that libav ever asks for cannot be allocated now.
bool MemoryIsShort();

}  // namespace slimreel

#endif  // DATA_DECODE_SYSTEM_ERROR_H_
