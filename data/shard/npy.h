// NumPy's .npy files (format 1.0) with C-ordered, little-endian arrays. Pure
// functions over memory. Source of the format: numpy/lib/format.py, "NPY format 1.0".
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

// The header of such a file. Blanks pad it so that the array starts at a multiple of 64 bytes.
std::string NpyHeader(NpyType type, const std::vector<int64_t>& shape);

// Header and array in one string, for small arrays. `data` holds all elements of `shape`.
std::string NpyFile(NpyType type, const std::vector<int64_t>& shape, const void* data);

// The fields of a header. They may describe an array of any type and order.
struct NpyHeaderFields {
  std::string descr;  // "<f4"
  bool fortran_order = false;
  std::vector<int64_t> shape;
  int64_t header_bytes = 0;  // offset of the array in the file
};

inline constexpr int64_t kMaxNpyHeaderBytes = 10 + 65535;

// `front`: the first kMaxNpyHeaderBytes of a file, or all of a shorter file. DataLoss (without a
// path): it is not a .npy file, or its header is cut off or cannot be parsed.
absl::StatusOr<NpyHeaderFields> ParseNpyHeader(std::string_view front);

struct NpyView {
  NpyType type = NpyType::kUint8;
  std::vector<int64_t> shape;
  std::string_view data;  // the array, inside the file
};

// DataLoss (without a path): it is not a .npy file of an NpyType, or its bytes do not match the
// shape.
absl::StatusOr<NpyView> ParseNpy(std::string_view file);

}  // namespace slimreel

#endif  // DATA_SHARD_NPY_H_
