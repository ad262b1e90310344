#include "data/decode/matroska_size.h"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

namespace slimreel {
namespace {

// Element IDs, with their length markers.
constexpr uint64_t kEbmlHeader = 0x1A45DFA3;
constexpr uint64_t kSegment = 0x18538067;
constexpr uint64_t kVoid = 0xEC;
constexpr uint64_t kCrc32 = 0xBF;

// A number of 1 to 8 bytes: as many as the first byte has leading zero bits, and one. All
// bits set (without the marker) is a length that is not known.
struct VarInt {
  uint64_t with_marker = 0;
  uint64_t value = 0;
  bool unknown = false;
};

std::optional<VarInt> ReadVarInt(std::istream* file) {
  const int first = file->get();
  if (first <= 0) return std::nullopt;  // the end, or more than 8 bytes
  const int bytes = std::countl_zero(static_cast<uint8_t>(first)) + 1;
  uint64_t number = static_cast<uint64_t>(first);
  for (int i = 1; i < bytes; ++i) number = number << 8 | static_cast<uint8_t>(file->get());
  if (!*file) return std::nullopt;
  const uint64_t marker = uint64_t{1} << (7 * bytes);
  return VarInt{number, number - marker, number - marker == marker - 1};
}

}  // namespace

bool MatroskaBreaksOff(const std::string& path) {
  std::error_code error;
  const uint64_t file_bytes = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return false;
  for (uint64_t at = 0;; file.seekg(static_cast<int64_t>(at))) {
    const std::optional<VarInt> id = ReadVarInt(&file);
    const std::optional<VarInt> length = id ? ReadVarInt(&file) : std::nullopt;
    if (!length || length->unknown) return false;
    const uint64_t begin = static_cast<uint64_t>(file.tellg());
    if (id->with_marker == kSegment) return length->value > file_bytes - begin;
    const bool before_segment =
        id->with_marker == kEbmlHeader || id->with_marker == kVoid || id->with_marker == kCrc32;
    if (!before_segment || length->value > file_bytes - begin) return false;
    at = begin + length->value;
  }
}

}  // namespace slimreel
