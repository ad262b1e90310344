#include "base/config/value.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/byte_text.h"

namespace slimreel {
namespace {

constexpr size_t kShownItems = 8;  // a longer list would hide the rest of a message

// Note [Bytes through the emitter]
// The emitter replaces bytes that are not UTF-8 when it quotes a text. A path may hold any bytes,
// so each of them passes through the emitter as one code point and is put back afterwards.
std::string ForEmitter(absl::string_view text) {
  return TextOfBytes(std::string_view(text.data(), text.size()));
}

std::string Emitted(const YAML::Emitter& emitter) { return BytesOfText(emitter.c_str()); }

}  // namespace

bool Bounds::Hold(double value) const {
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Bounds::ToText() const {
  const std::string from =
      low_open ? absl::StrCat("more than ", YamlFloat(low)) : absl::StrCat(YamlFloat(low));
  const std::string to =
      high_open ? absl::StrCat("less than ", YamlFloat(high)) : absl::StrCat(YamlFloat(high));
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (has_low && has_high) {
    return low_open || high_open
               ? absl::StrCat(low_open ? from : absl::StrCat(from, " or more"), " and ",
                              high_open ? to : absl::StrCat("at most ", to))
               : absl::StrCat(from, " to ", to);
  }
  if (has_low) return low_open ? from : absl::StrCat(from, " or more");
  return has_high ? absl::StrCat(high_open ? "" : "at most ", to) : "any";
}

std::string ValueText(const YAML::Node& value) {
  if (!value.IsDefined() || value.IsNull()) return "empty";
  if (value.IsScalar()) return absl::StrCat("\"", value.Scalar(), "\"");
  if (value.IsMap()) return "a map";
  std::vector<std::string> items;
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) return "a list";
    items.push_back(item.Scalar());
  }
  return items.size() <= kShownItems ? YamlList(items) : "a list";
}

absl::Status NotAllowed(const YAML::Node& value, absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat("is ", ValueText(value), "; allowed is ", allowed));
}

bool IsNone(const YAML::Node& value) {
  if (!value.IsDefined() || value.IsNull()) return true;
  return value.IsScalar() &&
         (value.Scalar().empty() || absl::EqualsIgnoreCase(value.Scalar(), "none") ||
          value.Scalar() == "null" || value.Scalar() == "~");
}

absl::StatusOr<int64_t> ParseInt(const YAML::Node& value, const Bounds& bounds) {
  int64_t number = 0;
  if (!value.IsScalar() || !absl::SimpleAtoi(value.Scalar(), &number) ||
      !bounds.Hold(static_cast<double>(number))) {
    return NotAllowed(value, absl::StrCat("a whole number, ", bounds.ToText()));
  }
  return number;
}

absl::StatusOr<double> ParseFloat(const YAML::Node& value, const Bounds& bounds) {
  double number = 0.0;
  if (!value.IsScalar() || !absl::SimpleAtod(value.Scalar(), &number) || !std::isfinite(number) ||
      !bounds.Hold(number)) {
    return NotAllowed(value, absl::StrCat("a number, ", bounds.ToText()));
  }
  return number;
}

absl::StatusOr<bool> ParseBool(const YAML::Node& value) {
  const std::string text = value.IsScalar() ? absl::AsciiStrToLower(value.Scalar()) : "";
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return NotAllowed(value, "true or false");
}

absl::StatusOr<std::string> ParseText(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  return NotAllowed(value, "one text");
}

absl::StatusOr<std::vector<std::string>> ParseTextList(const YAML::Node& value) {
  std::vector<std::string> items;
  if (IsNone(value)) return items;
  if (value.IsScalar()) {
    items = absl::StrSplit(value.Scalar(), ',');
  } else if (value.IsSequence()) {
    for (const YAML::Node& item : value) {
      if (!item.IsScalar()) return NotAllowed(item, "a list of plain values");
      items.push_back(item.Scalar());
    }
  } else {
    return NotAllowed(value, "a list");
  }
  for (std::string& item : items) {
    absl::StripAsciiWhitespace(&item);
    if (item.empty()) return NotAllowed(value, "a list without empty items");
  }
  return items;
}

std::string YamlText(absl::string_view text) {
  YAML::Emitter emitter;
  emitter << ForEmitter(text);
  return Emitted(emitter);
}

std::string YamlList(const std::vector<std::string>& items) {
  YAML::Emitter emitter;
  emitter << YAML::Flow << YAML::BeginSeq;
  for (const std::string& item : items) emitter << ForEmitter(item);
  emitter << YAML::EndSeq;
  return Emitted(emitter);
}

std::string YamlMap(const std::vector<std::pair<std::string, std::string>>& pairs) {
  YAML::Emitter emitter;
  emitter << YAML::Flow << YAML::BeginMap;
  for (const auto& [key, value] : pairs) {
    emitter << YAML::Key << ForEmitter(key) << YAML::Value << ForEmitter(value);
  }
  emitter << YAML::EndMap;
  return Emitted(emitter);
}

std::string YamlFloat(double value) {
  char buffer[64];
  const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, result.ptr);
}

}  // namespace slimreel
