#include "data/annotations/label_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "data/annotations/video_name.h"

namespace slimreel {
namespace {

using Row = std::vector<absl::string_view>;

// Reads rows of fields between separators.
class Table {
 public:
  Table(absl::string_view origin, char separator, const NamesFile& names_file, LabelFile* file)
      : origin_(origin),
        separator_(separator),
        ends_{separator, '\n'},
        blanks_(separator == '\t' ? " \r" : " \t\r"),
        names_file_(names_file),
        file_(file),
        text_(file->texts.front()) {}

  bool AtEnd() const { return text_.empty(); }
  int line() const { return first_line_; }  // where the row began

  // The next row; empty for a blank line or a comment.
  absl::StatusOr<Row> Next() {
    first_line_ = line_;
    SkipBlanks();
    const absl::string_view line = absl::StripAsciiWhitespace(text_.substr(0, text_.find('\n')));
    if (line.empty() || IsComment(line)) return WholeLine({});
    if (line[0] != '"' && names_file_(line)) return WholeLine({line});
    Row row;
    do {
      SLIMREEL_ASSIGN_OR_RETURN(const absl::string_view field, Field());
      row.push_back(field);
    } while (absl::ConsumePrefix(&text_, absl::string_view(&separator_, 1)));
    EndRow();
    return row;
  }

  void End() const { comments_.Warn(origin_, &file_->warnings); }

 private:
  bool IsComment(absl::string_view line) {
    if (line[0] != '#') return false;
    const absl::string_view path =
        absl::StripTrailingAsciiWhitespace(line.substr(0, line.find(separator_)));
    if (names_file_(line) || names_file_(path)) return false;
    comments_.Add(IsVideoName(line) || IsVideoName(path), first_line_);
    return true;
  }

  // Skips the rest of the line and returns `row`.
  Row WholeLine(Row row) {
    TakeFront(text_.find('\n'));
    EndRow();
    return row;
  }

  // The next field: up to the separator or the end of the line.
  absl::StatusOr<absl::string_view> Field() {
    SkipBlanks();
    if (!absl::StartsWith(text_, "\"")) {
      return absl::StripAsciiWhitespace(TakeFront(text_.find_first_of(ends_)));
    }
    absl::string_view value;
    if (!TakeQuoted(&text_, &value, &file_->texts)) {
      return LabelError(origin_, line_, "the quote has no end");
    }
    line_ += static_cast<int>(std::count(value.begin(), value.end(), '\n'));
    SkipBlanks();
    if (text_.empty() || text_[0] == separator_ || text_[0] == '\n') return value;
    return LabelError(origin_, line_,
                      absl::StrCat("after the quote, a ", separator_ == ',' ? "comma" : "tab",
                                   " or the end of the line must follow; write a quote inside the "
                                   "path twice"));
  }

  absl::string_view TakeFront(size_t count) {
    const absl::string_view taken = text_.substr(0, count);
    text_.remove_prefix(taken.size());
    return taken;
  }
  void SkipBlanks() { TakeFront(std::min(text_.find_first_not_of(blanks_), text_.size())); }
  void EndRow() {
    if (absl::ConsumePrefix(&text_, "\n")) ++line_;
  }

  const absl::string_view origin_;
  const char separator_;
  const std::string ends_;
  const absl::string_view blanks_;
  const NamesFile& names_file_;
  LabelFile* const file_;
  absl::string_view text_;
  int line_ = 1;
  int first_line_ = 1;
  Comments comments_;
};

}  // namespace

absl::StatusOr<LabelFile> ParseLabelTable(std::string text, absl::string_view origin,
                                          char separator, const NamesFile& names_file) {
  LabelFile file;
  SLIMREEL_ASSIGN_OR_RETURN(text, PlainText(std::move(text), origin));
  file.texts.push_back(std::move(text));
  Table table(origin, separator, names_file, &file);
  const char* const between = separator == ',' ? "comma" : "tab";
  while (!table.AtEnd()) {
    SLIMREEL_ASSIGN_OR_RETURN(const Row row, table.Next());
    if (row.empty()) continue;
    if (row.size() > 2) {
      return LabelError(origin, table.line(),
                        absl::StrCat(row.size(),
                                     " columns; a list has two, path and label; put quotes "
                                     "around a path that contains a ",
                                     between));
    }
    if (row[0].empty()) {
      return LabelError(origin, table.line(),
                        absl::StrCat("the path before the ", between, " is empty"));
    }
    const bool is_path = row.size() == 2 || IsVideoName(row[0]) || names_file(row[0]);
    file.lines.push_back({is_path ? row[0] : "",
                          row.size() == 2 ? row[1]
                          : is_path       ? ""
                                          : row[0],
                          table.line()});
  }
  table.End();
  return file;
}

bool IsLabelTable(absl::string_view text, char separator) {
  int64_t lines = 0;
  int64_t divided = 0;
  for (const absl::string_view raw : absl::StrSplit(text, absl::ByAnyChar("\n\r"))) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') continue;
    ++lines;
    if (absl::StrContains(raw, separator)) ++divided;
  }
  return divided > 0 && 2 * divided >= lines;
}

}  // namespace slimreel
