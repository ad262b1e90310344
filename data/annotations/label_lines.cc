#include "data/annotations/label_lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace slimreel {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::StatusOr<std::vector<LabelLine>> ParseLabelLines(std::string_view text,
                                                       std::string_view origin) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);  // a byte order mark
  std::vector<LabelLine> lines;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(Absl(text), '\n')) {
    ++number;
    if (raw.find('\0') != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          Absl(origin), ":", number, ": this is no text; a list has lines of `path label`"));
    }
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    LabelLine parsed;
    parsed.line = number;
    const size_t blank = line.find_last_of(" \t");
    if (blank == absl::string_view::npos) {
      parsed.label = std::string(line);
    } else {
      parsed.label = std::string(line.substr(blank + 1));
      parsed.path = std::string(absl::StripTrailingAsciiWhitespace(line.substr(0, blank)));
    }
    lines.push_back(std::move(parsed));
  }
  return lines;
}

absl::StatusOr<std::vector<LabelLine>> ReadLabelLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return ParseLabelLines(text, path);
}

std::optional<int64_t> LabelNumber(std::string_view label) {
  int64_t number = 0;
  if (label.empty() || label.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(Absl(label), &number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace slimreel
