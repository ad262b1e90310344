// The tar of a shard: POSIX ustar headers, with a pax extended header where a
// name or a size does not fit. Writes deterministic bytes (no time, no owner);
// reads what other tools write of the same family (ustar, pax, GNU long names).
//
// Who calls it: the shard writer, index rebuilding, verification.
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

// Everything before the content of a regular file: one block, or a pax header
// and its block before it. A multiple of 512 bytes.
std::string TarHeader(std::string_view name, uint64_t size);

// What ends an archive.
inline constexpr uint64_t kTarTrailer = 2 * kTarBlock;

struct TarMember {
  std::string name;
  uint64_t offset = 0;  // of the content in the tar
  uint64_t size = 0;
};

// True if `block` (512 bytes) is a regular file's header with a right checksum.
// O(1): for checks at access. `size` is what the block says (0 where pax carries it).
bool IsTarFileHeader(std::string_view block, uint64_t* size);

// Calls `visit` for every regular file of `tar`, in order, until it returns an
// error. DataLoss (without a path) where the bytes are no whole tar: wrong
// checksum, sizes past the end, missing trailer.
absl::Status ScanTar(std::string_view tar, absl::FunctionRef<absl::Status(const TarMember&)> visit);

}  // namespace slimreel

#endif  // DATA_SHARD_TAR_H_
