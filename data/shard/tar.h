// The tar of a shard: POSIX ustar headers, with a pax extended header if a name or a
// size does not fit. The written bytes are deterministic (no time, no owner). Tars of
// other tools are read if they are of the same family (ustar, pax, GNU long names).
//
// Pure functions over memory. Source of the layout: POSIX.1-2017, pax, "ustar
// Interchange Format".
#ifndef DATA_SHARD_TAR_H_
#define DATA_SHARD_TAR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace slimreel {

inline constexpr uint64_t kTarBlock = 512;

constexpr uint64_t TarPadded(uint64_t bytes) {
  return (bytes + kTarBlock - 1) / kTarBlock * kTarBlock;
}

// The header of a regular file: one ustar block, with a pax header before it if needed. A multiple
// of 512 bytes.
std::string TarHeader(std::string_view name, uint64_t size);

// Bytes of the zero blocks that end an archive.
inline constexpr uint64_t kTarTrailer = 2 * kTarBlock;

struct TarMember {
  std::string name;
  uint64_t offset = 0;  // of the content in the tar
  uint64_t size = 0;
};

// True if `block` (512 bytes) is the header of a regular file with a correct checksum. O(1), for
// checks at each access. `size` is the block's size field (0 if a pax header carries the size).
bool IsTarFileHeader(std::string_view block, uint64_t* size);

// Calls `visit` for every regular file of `tar`, in order, until it returns an error. DataLoss
// (without a path): the bytes are not a complete tar (a wrong checksum, a size past the end, or no
// trailer).
absl::Status ScanTar(std::string_view tar, absl::FunctionRef<absl::Status(const TarMember&)> visit);

}  // namespace slimreel

#endif  // DATA_SHARD_TAR_H_
