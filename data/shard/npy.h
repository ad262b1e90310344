// NumPy's .npy header (format 1.0): C-ordered, little-endian arrays.
// Source: numpy/lib/format.py, "NPY format 1.0". Pure functions over memory.
#ifndef DATA_SHARD_NPY_H_
#define DATA_SHARD_NPY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

enum class NpyType { kUint8, kInt16, kFloat32 };
int64_t NpyTypeBytes(NpyType type);

// Padded with blanks so that the array starts at a multiple of 64 bytes.
std::string NpyHeader(NpyType type, const std::vector<int64_t>& shape);

// Header and array in one string, for small arrays. `data` holds shape's product of elements.
std::string NpyFile(NpyType type, const std::vector<int64_t>& shape, const void* data);

// What a header says, of arrays of any type and order.
struct NpyHeaderFields {
  std::string descr;  // "<f4"
  bool fortran_order = false;
  std::vector<int64_t> shape;
  int64_t header_bytes = 0;  // the array begins here
};

inline constexpr int64_t kMaxNpyHeaderBytes = 10 + 65535;

// Of the first kMaxNpyHeaderBytes of a file, or all of a shorter one. DataLoss (without a
// path): no such file, or a header that is cut off or cannot be read.
absl::StatusOr<NpyHeaderFields> ParseNpyHeader(std::string_view front);

struct NpyView {
  NpyType type = NpyType::kUint8;
  std::vector<int64_t> shape;
  std::string_view data;  // into the file
};

// DataLoss (without a path): not such a file, or the bytes do not match the shape.
absl::StatusOr<NpyView> ParseNpy(std::string_view file);

}  // namespace slimreel

#endif  // DATA_SHARD_NPY_H_
