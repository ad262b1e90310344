#include "data/decode/matroska_size.h"

#include <array>
#include <bit>
#include <optional>

#include "absl/types/span.h"

namespace slimreel {
namespace {

// Element IDs, including their length markers.
constexpr uint64_t kEbmlHeader = 0x1A45DFA3;
constexpr uint64_t kSegment = 0x18538067;
constexpr uint64_t kVoid = 0xEC;
constexpr uint64_t kCrc32 = 0xBF;
constexpr uint64_t kCluster = 0x1F43B675;  // the pictures
constexpr uint64_t kCues = 0x1C53BB6B;     // the index
constexpr uint64_t kTags = 0x1254C367;
constexpr uint64_t kChapters = 0x1043A770;
constexpr uint64_t kAttachments = 0x1941A469;

// A number of 1 to 8 bytes. The first byte's leading zero bits plus one give the number of bytes.
// A length whose bits, without the marker, are all 1 is unknown.
struct VarInt {
  uint64_t with_marker = 0;
  uint64_t value = 0;
  bool unknown = false;
};

// Removes one number from the front of `bytes`.
std::optional<VarInt> TakeVarInt(absl::Span<const uint8_t>* bytes) {
  if (bytes->empty() || bytes->front() == 0) return std::nullopt;  // the end, or over 8 bytes
  const size_t count = static_cast<size_t>(std::countl_zero(bytes->front())) + 1;
  if (bytes->size() < count) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = 0; i < count; ++i) number = number << 8 | (*bytes)[i];
  bytes->remove_prefix(count);
  const uint64_t marker = uint64_t{1} << (7 * count);
  return VarInt{number, number - marker, number - marker == marker - 1};
}

struct Element {
  uint64_t id = 0;
  VarInt length;
  uint64_t begin = 0;  // offset of the content
  uint64_t end() const { return begin + length.value; }
};

std::optional<Element> ReadElement(const ReadAt& read, uint64_t at) {
  std::array<uint8_t, 16> head;  // the longest id and the longest length
  const size_t got = read(at, head.data(), head.size());
  absl::Span<const uint8_t> rest(head.data(), got);
  const std::optional<VarInt> id = TakeVarInt(&rest);
  const std::optional<VarInt> length = id ? TakeVarInt(&rest) : std::nullopt;
  if (!length) return std::nullopt;
  return Element{id->with_marker, *length, at + got - rest.size()};
}

// For a Segment that ends past the end of the file: whether the file is cut before the last
// pictures.
bool PicturesAreMissing(const ReadAt& read, const Element& segment, uint64_t file_bytes) {
  bool pictures = false;
  for (uint64_t at = segment.begin; at < file_bytes;) {
    const std::optional<Element> child = ReadElement(read, at);
    if (!child || child->length.unknown) return true;
    const bool follows_pictures = child->id == kCues || child->id == kTags ||
                                  child->id == kChapters || child->id == kAttachments ||
                                  child->id == kVoid || child->id == kCrc32;
    if (child->length.value > file_bytes - child->begin) return !(pictures && follows_pictures);
    pictures = pictures || child->id == kCluster;
    at = child->end();
  }
  return true;
}

}  // namespace

bool MatroskaIsTruncated(const ReadAt& read, uint64_t file_bytes) {
  for (uint64_t at = 0;;) {
    const std::optional<Element> element = ReadElement(read, at);
    if (!element || element->length.unknown) return false;
    const bool ends_past_the_file = element->length.value > file_bytes - element->begin;
    if (element->id == kSegment && ends_past_the_file) {
      return PicturesAreMissing(read, *element, file_bytes);
    }
    const bool known = element->id == kEbmlHeader || element->id == kSegment ||
                       element->id == kVoid || element->id == kCrc32;
    if (!known || ends_past_the_file) return false;
    at = element->end();
  }
}

}  // namespace slimreel
