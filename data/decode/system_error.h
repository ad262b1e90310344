// What an errno, or a return value of libav that holds one, says: something about the file, or
// about the machine. Pure but for MemoryIsShort.
#ifndef DATA_DECODE_SYSTEM_ERROR_H_
#define DATA_DECODE_SYSTEM_ERROR_H_

#include <string>

#include "absl/status/status.h"

namespace slimreel {

// The Status of a call on `path` that failed with `error_number`. No memory, descriptors, buffers
// or room: the machine's (media_error.h). No such file, no right: the file's. All else, such as
// EIO, ESTALE or ETIMEDOUT, is `io_error`.
absl::Status ErrnoStatus(const std::string& path, int error_number);

// The machine's error that libav's return value tells of; OK where it tells of the file. See Note
// [Whose ENOMEM].
absl::Status MachineErrorOf(const std::string& path, int libav_error);

// True where the largest block that libav would ever ask for cannot be had now.
bool MemoryIsShort();

}  // namespace slimreel

#endif  // DATA_DECODE_SYSTEM_ERROR_H_
