// The header of a safetensors file: read strictly, written deterministically.
// Source: huggingface/safetensors, "Format": u64 little-endian header length,
// JSON, data. Offsets are relative to the data and cover it without holes.
// Does not use torch.
//
// Threading: pure functions over memory, any thread.
#ifndef MODELS_WEIGHTS_SAFETENSORS_FORMAT_H_
#define MODELS_WEIGHTS_SAFETENSORS_FORMAT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

enum class WeightType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };
int64_t WeightTypeBytes(WeightType type);
std::string_view WeightTypeName(WeightType type);  // "F32", as in the file

struct WeightEntry {
  std::string name;
  WeightType type = WeightType::kF32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // in the file
  uint64_t bytes = 0;
};

struct SafetensorsHeader {
  std::vector<WeightEntry> entries;  // in the order of the data
  std::map<std::string, std::string> metadata;
};

// `file`: all bytes of the file. DataLoss (without a path) for everything that the format
// forbids: a wrong header length, no '{' at the start, duplicate names or fields, unknown
// types, bytes that do not match shape and type, overlaps, holes, left-over bytes, metadata
// that is not a map of strings. Checks every size before it allocates memory for it.
absl::StatusOr<SafetensorsHeader> ParseSafetensors(std::string_view file);

// Sorts the entries into the file's order, sets `bytes` and `offset`, and returns everything
// before the data, a multiple of 64 bytes. The order is wide types first, so every tensor is
// aligned to its own element; then by name. InvalidArgument: duplicate names, negative extents.
absl::StatusOr<std::string> LayOutSafetensors(SafetensorsHeader* header);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_SAFETENSORS_FORMAT_H_
