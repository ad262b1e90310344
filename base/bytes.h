// Amounts of bytes as people write them.
#ifndef BASE_BYTES_H_
#define BASE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// A fixed amount, or a share of a total that is known later.
struct ByteSpec {
  int64_t bytes = 0;
  double percent = 0.0;  // more than 0: a share of the total, and `bytes` is 0
  bool is_percent() const { return percent > 0.0; }
  int64_t Resolve(int64_t total_bytes) const;
  friend bool operator==(const ByteSpec&, const ByteSpec&) = default;
};

// Reads "4GiB", "4000MB", "1.5 GB" or "512" (bytes). The units are B, KB, MB, GB, TB (powers of
// 1000) and KiB, MiB, GiB, TiB, K, M, G, T (powers of 1024); upper and lower case are the same.
// The amount must be more than 0. InvalidArgument says what is allowed.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);
// Also reads "80%", where 0 < percent <= 100.
absl::StatusOr<ByteSpec> ParseByteSpec(absl::string_view text);

// "1.5 GiB", rounded, for people.
std::string FormatBytes(int64_t bytes);
// "1536MiB", "80%"; ParseByteSpec reads the same value back.
std::string FormatByteSpec(const ByteSpec& spec);

}  // namespace slimreel

#endif  // BASE_BYTES_H_
