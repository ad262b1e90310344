#include "base/bytes.h"

#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

struct Unit {
  const char* name;
  double bytes;
};

constexpr double kKi = 1024.0;
constexpr std::array<Unit, 14> kUnits = {{{"", 1.0},
                                          {"b", 1.0},
                                          {"k", kKi},
                                          {"m", kKi* kKi},
                                          {"g", kKi* kKi* kKi},
                                          {"t", kKi* kKi* kKi* kKi},
                                          {"kib", kKi},
                                          {"mib", kKi* kKi},
                                          {"gib", kKi* kKi* kKi},
                                          {"tib", kKi* kKi* kKi* kKi},
                                          {"kb", 1e3},
                                          {"mb", 1e6},
                                          {"gb", 1e9},
                                          {"tb", 1e12}}};

absl::Status NotBytes(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text,
      "\" is not an amount of bytes; allowed are for example 4GiB, 4000MB, 1.5GiB, 123456"));
}

// Reads a decimal number without sign and exponent at the start of `text`, and removes it from
// `text`. Independent of the locale.
bool ConsumeDecimal(absl::string_view* text, double* number) {
  const size_t length = std::min(text->find_first_not_of("0123456789."), text->size());
  const char* end = text->data() + length;
  const auto parsed = absl::from_chars(text->data(), end, *number, absl::chars_format::fixed);
  if (length == 0 || parsed.ec != std::errc() || parsed.ptr != end) return false;
  text->remove_prefix(length);
  return true;
}

}  // namespace

int64_t ByteSpec::Resolve(int64_t total_bytes) const {
  if (!is_percent()) return bytes;
  return static_cast<int64_t>(std::floor(static_cast<double>(total_bytes) * percent / 100.0));
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  int64_t whole = 0;
  if (absl::SimpleAtoi(rest, &whole) && absl::ascii_isdigit(rest[0]) && whole > 0) return whole;
  double number = 0.0;
  if (!ConsumeDecimal(&rest, &number)) return NotBytes(text);
  rest = absl::StripLeadingAsciiWhitespace(rest);
  for (const Unit& unit : kUnits) {
    if (!absl::EqualsIgnoreCase(rest, unit.name)) continue;
    const double bytes = std::round(number * unit.bytes);
    if (bytes < 1.0 || bytes >= 9.2e18) break;
    return static_cast<int64_t>(bytes);
  }
  return NotBytes(text);
}

absl::StatusOr<ByteSpec> ParseByteSpec(absl::string_view text) {
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  ByteSpec spec;
  if (!absl::EndsWith(rest, "%")) {
    const absl::StatusOr<int64_t> bytes = ParseBytes(text);
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(bytes.status().message(), ", 80%"));
    }
    spec.bytes = *bytes;
    return spec;
  }
  rest.remove_suffix(1);
  rest = absl::StripTrailingAsciiWhitespace(rest);
  if (!ConsumeDecimal(&rest, &spec.percent) || !rest.empty() || spec.percent <= 0.0 ||
      spec.percent > 100.0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a share; allowed is more than 0% and at most 100%"));
  }
  return spec;
}

std::string FormatBytes(int64_t bytes) {
  constexpr std::array<const char*, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::abs(number) >= kKi && unit + 1 < kNames.size()) {
    number /= kKi;
    ++unit;
  }
  if (unit == 0) return absl::StrCat(bytes, " B");
  return absl::StrFormat("%.4g %s", std::round(number * 100.0) / 100.0, kNames[unit]);
}

std::string FormatByteSpec(const ByteSpec& spec) {
  if (spec.is_percent()) return absl::StrFormat("%.17g%%", spec.percent);
  constexpr std::array<const char*, 4> kNames = {"TiB", "GiB", "MiB", "KiB"};
  int shift = 40;
  for (const char* name : kNames) {
    if (spec.bytes != 0 && spec.bytes % (int64_t{1} << shift) == 0) {
      return absl::StrCat(spec.bytes >> shift, name);
    }
    shift -= 10;
  }
  return absl::StrCat(spec.bytes);
}

}  // namespace slimreel
