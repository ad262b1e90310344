#include "base/byte_text.h"

#include <cstddef>
#include <cstdint>

namespace slimreel {
namespace {

// The first two bytes of U+EF80..U+EFFF are EE BE or EE BF; the lower six bits of the
// escaped byte are in the third one.
constexpr uint8_t kLead = 0xEE;
constexpr uint32_t kFirstEscape = 0xEF80;
constexpr uint32_t kLastEscape = 0xEFFF;

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;  // 0: no valid sequence starts here
};

// Valid by RFC 3629: the shortest form, no surrogates, nothing above U+10FFFF.
CodePoint Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  uint32_t value = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3F);
  }
  const uint32_t smallest = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

bool IsEscape(uint32_t value) { return value >= kFirstEscape && value <= kLastEscape; }

void AppendEscaped(uint8_t byte, std::string* out) {
  const uint32_t value = 0xEF00 + byte;
  out->push_back(static_cast<char>(kLead));
  out->push_back(static_cast<char>(0x80 | (value >> 6 & 0x3F)));
  out->push_back(static_cast<char>(0x80 | (value & 0x3F)));
}

}  // namespace

std::string TextOfBytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint code = Decode(bytes.substr(at));
    if (code.bytes > 0 && !IsEscape(code.value)) {
      text.append(bytes, at, code.bytes);
      at += code.bytes;
    } else {
      AppendEscaped(static_cast<uint8_t>(bytes[at++]), &text);
    }
  }
  return text;
}

std::string BytesOfText(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint code = Decode(text.substr(at));
    if (code.bytes > 0 && IsEscape(code.value)) {
      bytes.push_back(static_cast<char>(code.value & 0xFF));
    } else {
      bytes.append(text, at, code.bytes > 0 ? code.bytes : 1);
    }
    at += code.bytes > 0 ? code.bytes : 1;
  }
  return bytes;
}

}  // namespace slimreel
