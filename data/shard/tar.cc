#include "data/shard/tar.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

// Field offsets and widths of a ustar block.
struct Field {
  size_t offset;
  size_t width;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kMtime{136, 12}, kChecksum{148, 8}, kType{156, 1}, kMagic{257, 8}, kPrefix{345, 155};
constexpr uint64_t kMaxOctalSize = 077777777777;  // eleven octal digits: 8 GiB - 1

void PutOctal(std::string* block, Field field, uint64_t value) {
  const std::string digits = absl::StrFormat("%0*o", static_cast<int>(field.width - 1), value);
  block->replace(field.offset, digits.size(), digits);
}

void PutText(std::string* block, Field field, std::string_view text) {
  block->replace(field.offset, text.size(), text);
}

uint64_t Checksum(std::string_view block) {
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  for (size_t i = 0; i < kChecksum.width; ++i) {
    sum += ' ' - static_cast<uint64_t>(static_cast<uint8_t>(block[kChecksum.offset + i]));
  }
  return sum;
}

// Splits a long path at a '/' into prefix (<= 155 bytes) and name (<= 100 bytes). False if no
// split fits.
bool SplitName(std::string_view path, std::string_view* prefix, std::string_view* name) {
  *prefix = "";
  *name = path;
  if (path.size() <= kName.width) return true;
  const size_t slash = path.find('/', path.size() - kName.width - 1);
  if (slash == std::string_view::npos || slash > kPrefix.width || slash + 1 == path.size() ||
      slash == 0) {
    return false;
  }
  *prefix = path.substr(0, slash);
  *name = path.substr(slash + 1);
  return true;
}

std::string Block(std::string_view prefix, std::string_view name, uint64_t size, char type) {
  std::string block(kTarBlock, '\0');
  PutText(&block, kName, name);
  PutOctal(&block, kMode, 0644);
  PutOctal(&block, kUid, 0);
  PutOctal(&block, kGid, 0);
  PutOctal(&block, kSize, size);
  PutOctal(&block, kMtime, 0);
  block[kType.offset] = type;
  PutText(&block, kMagic, std::string_view("ustar\00000", 8));
  PutText(&block, kPrefix, prefix);
  // Six digits, NUL, blank: as in the examples of the standard.
  PutText(&block, kChecksum, absl::StrFormat("%06o", Checksum(block)) + std::string("\0 ", 2));
  return block;
}

// "<length> <key>=<value>\n", where length counts itself.
std::string PaxRecord(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (absl::StrCat(length).size() + rest != length) length = absl::StrCat(length).size() + rest;
  return std::to_string(length).append(" ").append(key).append("=").append(value).append("\n");
}

std::string_view TextOf(std::string_view block, Field field) {
  const std::string_view raw = block.substr(field.offset, field.width);
  return raw.substr(0, std::min(raw.find('\0'), raw.size()));
}

// Parses octal digits (after blanks, up to NUL or blank), or GNU's base-256 number.
bool NumberOf(std::string_view block, Field field, uint64_t* value) {
  std::string_view raw = block.substr(field.offset, field.width);
  *value = 0;
  if (static_cast<uint8_t>(raw[0]) == 0x80) {
    for (const char c : raw.substr(1)) {
      if (*value >> 55 != 0) return false;
      *value = *value << 8 | static_cast<uint8_t>(c);
    }
    return true;
  }
  while (!raw.empty() && raw[0] == ' ') raw.remove_prefix(1);
  const size_t end = std::min(raw.find_first_of(std::string_view("\0 ", 2)), raw.size());
  if (end == 0) return false;
  const auto [stop, error] = std::from_chars(raw.data(), raw.data() + end, *value, 8);
  return error == std::errc() && stop == raw.data() + end;
}

bool ChecksumMatches(std::string_view block) {
  uint64_t stored = 0;
  return NumberOf(block, kChecksum, &stored) && stored == Checksum(block);
}

// What a pax header states about the next file.
struct PaxFields {
  std::string path;
  uint64_t size = 0;
  bool has_size = false;
};

absl::Status ParsePax(std::string_view body, PaxFields* fields) {
  while (!body.empty() && body[0] != '\0') {
    const size_t blank = body.find(' ');
    size_t length = 0;
    if (blank == std::string_view::npos ||
        std::from_chars(body.data(), body.data() + blank, length).ptr != body.data() + blank ||
        length > body.size() || length < blank + 3 || body[length - 1] != '\n') {
      return absl::DataLossError("a pax record is malformed");
    }
    const std::string_view record = body.substr(blank + 1, length - blank - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) return absl::DataLossError("a pax record has no '='");
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") fields->path = std::string(value);
    if (key == "size") {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), fields->size);
      if (error != std::errc() || end != value.data() + value.size()) {
        return absl::DataLossError("the pax size is not a number");
      }
      fields->has_size = true;
    }
    body.remove_prefix(length);
  }
  return absl::OkStatus();
}

bool IsFileType(char type) { return type == '0' || type == '\0'; }

std::string NameOf(std::string_view block) {
  const std::string_view prefix = TextOf(block, kPrefix), name = TextOf(block, kName);
  // With GNU's old magic "ustar  " the prefix field holds other data.
  if (prefix.empty() || block.substr(kMagic.offset, 6) != std::string_view("ustar\0", 6)) {
    return std::string(name);
  }
  return std::string(prefix).append("/").append(name);
}

absl::Status DataLossAt(uint64_t offset, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("byte ", offset, ": ", what));
}

}  // namespace

std::string TarHeader(std::string_view name, uint64_t size) {
  std::string_view prefix, short_name;
  const bool fits = SplitName(name, &prefix, &short_name);
  if (fits && size <= kMaxOctalSize) return Block(prefix, short_name, size, '0');
  std::string pax;
  if (!fits) pax += PaxRecord("path", name);
  if (size > kMaxOctalSize) pax += PaxRecord("size", absl::StrCat(size));
  std::string header = Block("", "PaxHeaders/member", pax.size(), 'x');
  header += pax;
  header.resize(TarPadded(header.size()), '\0');
  if (!fits) prefix = "", short_name = name.substr(0, kName.width);
  return header + Block(prefix, short_name, size > kMaxOctalSize ? 0 : size, '0');
}

bool IsTarFileHeader(std::string_view block, uint64_t* size) {
  return block.size() == kTarBlock && IsFileType(block[kType.offset]) &&
         block.substr(kMagic.offset, 5) == "ustar" && ChecksumMatches(block) &&
         NumberOf(block, kSize, size);
}

absl::Status ScanTar(std::string_view tar,
                     absl::FunctionRef<absl::Status(const TarMember&)> visit) {
  uint64_t at = 0;
  PaxFields pax;
  while (true) {
    if (tar.size() - at < kTarBlock) return DataLossAt(at, "the tar ends without its trailer");
    const std::string_view block = tar.substr(at, kTarBlock);
    if (block.find_first_not_of('\0') == std::string_view::npos) return absl::OkStatus();
    uint64_t size = 0;
    if (block.substr(kMagic.offset, 5) != "ustar" || !ChecksumMatches(block) ||
        !NumberOf(block, kSize, &size)) {
      return DataLossAt(at, "the tar header is not valid (magic, checksum or size)");
    }
    const char type = block[kType.offset];
    if (IsFileType(type) && pax.has_size) size = pax.size;
    at += kTarBlock;
    // Compares by subtraction, so that a size near 2^64 does not wrap.
    if (size > tar.size() - at || TarPadded(size) > tar.size() - at) {
      return DataLossAt(at - kTarBlock,
                        absl::StrCat("the member has ", size, " bytes, but the file has only ",
                                     tar.size() - at, " left"));
    }
    if (type == 'x') {
      if (const absl::Status parsed = ParsePax(tar.substr(at, size), &pax); !parsed.ok()) {
        return DataLossAt(at, parsed.message());
      }
    } else if (type == 'L') {  // GNU long name
      pax.path = std::string(TextOf(tar.substr(at, size), {0, size}));
    } else {
      if (IsFileType(type)) {
        TarMember member{pax.path.empty() ? NameOf(block) : pax.path, at, size};
        if (const absl::Status status = visit(member); !status.ok()) return status;
      }
      pax = PaxFields();
    }
    at += TarPadded(size);
  }
}

}  // namespace slimreel
