#include "data/annotations/label_lines.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr absl::string_view kBlanks = " \t\r";

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status ErrorAt(std::string_view origin, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(Absl(origin), ":", line, ": ", what));
}

// Without the byte order mark that some editors write.
absl::StatusOr<absl::string_view> PlainText(std::string_view text, std::string_view origin) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  const size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return Absl(text);
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<int64_t>(nul), '\n');
  return ErrorAt(origin, static_cast<int>(line),
                 "this is no text; a list has lines of `path label`");
}

// Takes "a ""b""" from the front of `text`: a "b". False where the quote does not end.
bool TakeQuoted(absl::string_view* text, std::string* value) {
  for (size_t at = 1; at < text->size(); ++at) {
    if ((*text)[at] != '"') {
      value->push_back((*text)[at]);
    } else if (at + 1 < text->size() && (*text)[at + 1] == '"') {
      value->push_back((*text)[at++]);
    } else {
      text->remove_prefix(at + 1);
      return true;
    }
  }
  return false;
}

// `"path" label` or `"path"`.
absl::StatusOr<LabelLine> QuotedLine(absl::string_view line, std::string_view origin, int number) {
  LabelLine parsed;
  parsed.line = number;
  if (!TakeQuoted(&line, &parsed.path)) {
    return ErrorAt(origin, number, "the quote before the path has no end; write \"path\" label");
  }
  const absl::string_view label = absl::StripAsciiWhitespace(line);
  if (label.empty()) {
    std::swap(parsed.path, parsed.label);
    return parsed;
  }
  if (label.size() == line.size() || label.find_first_of(kBlanks) != absl::string_view::npos) {
    return ErrorAt(origin, number,
                   "after a path in quotes a blank and one word, the label, may stand; a quote "
                   "that belongs to the path is written twice");
  }
  parsed.label = std::string(label);
  return parsed;
}

// Reads rows of fields between commas.
class Table {
 public:
  Table(absl::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  bool AtEnd() const { return text_.empty(); }

  // The next row; empty for a blank line or a comment.
  absl::StatusOr<std::vector<std::string>> Row() {
    first_line_ = line_;
    SkipBlanks();
    if (text_.empty() || text_[0] == '\n' || text_[0] == '#') {
      Take(text_.find('\n'));
      EndRow();
      return std::vector<std::string>();
    }
    std::vector<std::string> fields;
    do {
      SLIMREEL_ASSIGN_OR_RETURN(std::string field, Field());
      fields.push_back(std::move(field));
    } while (absl::ConsumePrefix(&text_, ","));
    EndRow();
    return fields;
  }

  int line() const { return first_line_; }  // where the row began

 private:
  // Up to the comma or the end of the line.
  absl::StatusOr<std::string> Field() {
    SkipBlanks();
    if (!absl::StartsWith(text_, "\"")) {
      return std::string(absl::StripAsciiWhitespace(Take(text_.find_first_of(",\n"))));
    }
    std::string value;
    if (!TakeQuoted(&text_, &value)) return ErrorAt(origin_, line_, "the quote has no end");
    line_ += static_cast<int>(std::count(value.begin(), value.end(), '\n'));
    SkipBlanks();
    if (text_.empty() || text_[0] == ',' || text_[0] == '\n') return value;
    return ErrorAt(origin_, line_,
                   "after the quote a comma or the end of the line must stand; a quote that "
                   "belongs to the path is written twice");
  }

  absl::string_view Take(size_t count) {
    const absl::string_view taken = text_.substr(0, count);
    text_.remove_prefix(taken.size());
    return taken;
  }
  void SkipBlanks() { Take(std::min(text_.find_first_not_of(kBlanks), text_.size())); }
  void EndRow() {
    if (absl::ConsumePrefix(&text_, "\n")) ++line_;
  }

  absl::string_view text_;
  const std::string_view origin_;
  int line_ = 1;
  int first_line_ = 1;
};

bool IsHeader(const std::vector<std::string>& row) {
  return row.size() == 2 && absl::EqualsIgnoreCase(row[0], "path") &&
         absl::EqualsIgnoreCase(row[1], "label");
}

bool HasComma(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const bool comment = absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "#");
    if (!comment && absl::StrContains(line, ',')) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<LabelLine>> ParseLabelLines(std::string_view text,
                                                       std::string_view origin) {
  SLIMREEL_ASSIGN_OR_RETURN(const absl::string_view plain, PlainText(text, origin));
  std::vector<LabelLine> lines;
  int number = 0;
  for (const absl::string_view raw : absl::StrSplit(plain, '\n')) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '"') {
      SLIMREEL_ASSIGN_OR_RETURN(LabelLine quoted, QuotedLine(line, origin, number));
      lines.push_back(std::move(quoted));
      continue;
    }
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

absl::StatusOr<std::vector<LabelLine>> ParseLabelTable(std::string_view text,
                                                       std::string_view origin) {
  SLIMREEL_ASSIGN_OR_RETURN(const absl::string_view plain, PlainText(text, origin));
  std::vector<LabelLine> lines;
  bool first = true;
  for (Table table(plain, origin); !table.AtEnd();) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> row, table.Row());
    if (row.empty() || (std::exchange(first, false) && IsHeader(row))) continue;
    if (row.size() > 2) {
      return ErrorAt(origin, table.line(),
                     absl::StrCat(row.size(),
                                  " columns; a .csv list has two, path,label, and "
                                  "quotes around a path that has a comma"));
    }
    if (row[0].empty()) return ErrorAt(origin, table.line(), "no path stands before the comma");
    LabelLine parsed;
    parsed.line = table.line();
    (row.size() == 1 ? parsed.label : parsed.path) = row[0];
    if (row.size() == 2) parsed.label = row[1];
    lines.push_back(std::move(parsed));
  }
  return lines;
}

absl::StatusOr<std::vector<LabelLine>> ReadLabelLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const bool table = absl::EndsWithIgnoreCase(path, ".csv") && HasComma(text);
  return table ? ParseLabelTable(text, path) : ParseLabelLines(text, path);
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
