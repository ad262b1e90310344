#include "data/annotations/keypoint_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random_access_file.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"

namespace slimreel {
namespace {

constexpr char kExtension[] = ".kpts.npy";

absl::Status DataError(const std::string& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": ", what));
}

// Converts IEEE 754 binary16 to float32; the value does not change.
float FromHalf(const char* bytes) {
  uint16_t half;
  std::memcpy(&half, bytes, sizeof(half));
  const int exponent = half >> 10 & 0x1f;
  const float mantissa = static_cast<float>(half & 0x3ff);
  float value;
  if (exponent == 0x1f) {
    value = mantissa == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  }
  return half >> 15 ? -value : value;
}

float FromDouble(const char* bytes) {
  double value;
  std::memcpy(&value, bytes, sizeof(value));
  // A cast of a value outside of float32's range is undefined. Return infinity, which is refused.
  if (std::abs(value) > std::numeric_limits<float>::max()) {
    return value > 0 ? std::numeric_limits<float>::infinity()
                     : -std::numeric_limits<float>::infinity();
  }
  return static_cast<float>(value);
}

float FromFloat(const char* bytes) {
  float value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

struct ElementType {
  int64_t bytes;
  float (*read)(const char*);
};

absl::StatusOr<ElementType> TypeOf(const std::string& path, const NpyHeaderFields& header) {
  if (header.fortran_order) {
    return DataError(path, "the array is in Fortran order; save numpy.ascontiguousarray(array)");
  }
  if (header.descr == "<f4") return ElementType{4, FromFloat};
  if (header.descr == "<f8") return ElementType{8, FromDouble};
  if (header.descr == "<f2") return ElementType{2, FromHalf};
  const bool big_endian = absl::StartsWith(header.descr, ">");
  return DataError(
      path, absl::StrCat("the array's type is ", header.descr, big_endian ? ", big-endian" : "",
                         "; save array.astype('<f4')"));
}

// Reads the header only, and checks it against the size of the file and `max_bytes`.
absl::StatusOr<NpyHeaderFields> ReadHeader(const std::string& path, const RandomAccessFile& file,
                                           int64_t max_bytes) {
  const int64_t size = file.size_bytes();
  std::string front(static_cast<size_t>(std::min(size, kMaxNpyHeaderBytes)), '\0');
  SLIMREEL_ASSIGN_OR_RETURN(const size_t count, file.ReadAt(0, front.data(), front.size()));
  front.resize(count);
  absl::StatusOr<NpyHeaderFields> header = ParseNpyHeader(front);
  if (!header.ok()) return DataError(path, header.status().message());
  SLIMREEL_ASSIGN_OR_RETURN(const ElementType type, TypeOf(path, *header));
  const std::vector<int64_t>& shape = header->shape;
  if (shape.size() != 4 || shape[3] != 3 || std::count(shape.begin(), shape.end(), 0) > 0) {
    return DataError(path, absl::StrCat("shape (", absl::StrJoin(shape, ", "),
                                        ") is not (persons, frames, joints, 3)"));
  }
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    if (extent > std::numeric_limits<int64_t>::max() / 8 / elements) {
      return DataError(path, "the shape is larger than any file");
    }
    elements *= extent;
  }
  if (elements * type.bytes != size - header->header_bytes) {
    return DataError(path,
                     absl::StrCat("shape (", absl::StrJoin(shape, ", "), ") does not match its ",
                                  size - header->header_bytes, " bytes"));
  }
  const int64_t in_memory = elements * static_cast<int64_t>(sizeof(float));
  if (in_memory <= max_bytes) return header;
  return absl::OutOfRangeError(absl::StrCat(path, ": its ", in_memory,
                                            " bytes of keypoints exceed the bound of ", max_bytes,
                                            "; divide the video"));
}

absl::Status CheckValues(const std::string& path, const KeypointTrack& track) {
  const auto bad = std::find_if_not(track.values.begin(), track.values.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == track.values.end()) return absl::OkStatus();
  const int64_t index = (bad - track.values.begin()) / 3;
  return DataError(path, absl::StrCat("joint ", index % track.joints, " of frame ",
                                      index / track.joints % track.frames, " is ", *bad,
                                      " as float32; write 0, 0, 0 for a missing joint"));
}

}  // namespace

std::string KeypointPathOf(const std::string& video_path) {
  std::string exact = absl::StrCat(video_path, kExtension);
  struct stat status;
  if (stat(exact.c_str(), &status) == 0) return exact;
  return std::filesystem::path(video_path).replace_extension(kExtension).string();
}

absl::StatusOr<KeypointTrack> ReadKeypointFile(const std::string& path, int64_t max_bytes) {
  SLIMREEL_ASSIGN_OR_RETURN(const RandomAccessFile file, RandomAccessFile::Open(path));
  if (!file.is_regular()) return DataError(path, "this is not a regular file");
  SLIMREEL_ASSIGN_OR_RETURN(const NpyHeaderFields header, ReadHeader(path, file, max_bytes));
  SLIMREEL_ASSIGN_OR_RETURN(const ElementType type, TypeOf(path, header));
  const std::vector<int64_t>& shape = header.shape;
  KeypointTrack track{shape[0], shape[1], shape[2], {}};
  track.values.resize(static_cast<size_t>(shape[0] * shape[1] * shape[2] * shape[3]));
  constexpr size_t kPiece = 1 << 13;  // elements
  std::vector<char> piece(kPiece * static_cast<size_t>(type.bytes));
  for (size_t at = 0; at < track.values.size(); at += kPiece) {
    const size_t count = std::min(kPiece, track.values.size() - at);
    const size_t bytes = count * static_cast<size_t>(type.bytes);
    const int64_t offset = header.header_bytes + static_cast<int64_t>(at) * type.bytes;
    SLIMREEL_ASSIGN_OR_RETURN(const size_t read, file.ReadAt(offset, piece.data(), bytes));
    if (read < bytes) return DataError(path, "the file became shorter during reading");
    for (size_t i = 0; i < count; ++i) {
      track.values[at + i] = type.read(piece.data() + i * static_cast<size_t>(type.bytes));
    }
  }
  SLIMREEL_RETURN_IF_ERROR(CheckValues(path, track));
  return track;
}

}  // namespace slimreel
