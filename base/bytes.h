// Byte amounts as people write them.
#ifndef BASE_BYTES_H_
#define BASE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// An amount, or a share of a total that is known later.
struct ByteSpec {
  int64_t bytes = 0;
  double percent = 0.0;  // > 0: of the total; then `bytes` is 0
  bool is_percent() const { return percent > 0.0; }
  int64_t Resolve(int64_t total_bytes) const;
  friend bool operator==(const ByteSpec&, const ByteSpec&) = default;
};

// "4GiB", "4000MB", "1.5 GB", "512" (bytes). Units: B, KB, MB, GB, TB (powers of
// 1000), KiB, MiB, GiB, TiB and K, M, G, T (powers of 1024), case ignored; more
// than 0. InvalidArgument says what is allowed.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);
absl::StatusOr<ByteSpec> ParseByteSpec(absl::string_view text);  // these, or "80%" (0 < p <= 100)

// "1.5 GiB": for people.
std::string FormatBytes(int64_t bytes);
// "1536MiB", "80%": reads back to the same.
std::string FormatByteSpec(const ByteSpec& spec);

}  // namespace slimreel

#endif  // BASE_BYTES_H_
