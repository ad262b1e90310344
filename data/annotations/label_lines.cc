#include "data/annotations/label_lines.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "data/annotations/video_name.h"

namespace slimreel {
namespace {

constexpr absl::string_view kBlanks = " \t\r";

// A line split at its last tab, else at its last blank. If it has neither, the path is empty.
struct SplitLabel {
  absl::string_view path;
  absl::string_view label;
  bool at_tab = false;
};

SplitLabel SplitLine(absl::string_view line) {
  SplitLabel split;
  size_t at = line.rfind('\t');
  split.at_tab = at != absl::string_view::npos;
  if (!split.at_tab) at = line.rfind(' ');
  if (at == absl::string_view::npos) {
    split.label = line;
    return split;
  }
  split.path = absl::StripTrailingAsciiWhitespace(line.substr(0, at));
  split.label = absl::StripLeadingAsciiWhitespace(line.substr(at + 1));
  return split;
}

class Lines {
 public:
  Lines(absl::string_view origin, const NamesFile& names_file, LabelFile* file)
      : origin_(origin), names_file_(names_file), file_(file) {}

  absl::Status Add(absl::string_view line, int number) {
    if (line.empty()) return absl::OkStatus();
    if (line[0] == '"') return AddQuoted(line, number);
    const SplitLabel split = SplitLine(line);
    if (line[0] == '#' && !names_file_(line) && (split.path.empty() || !names_file_(split.path))) {
      comments_.Add(IsVideoName(line) || IsVideoName(split.path), number);
      return absl::OkStatus();
    }
    if (split.path.empty()) return AddWord(line, number);
    return split.at_tab ? AddColumns(line, split, number) : AddWords(line, split, number);
  }

  void End() {
    // If neither a file nor an extension decides, a line is like the other lines.
    if (labelled_ == 0 && without_label_ > 0) {
      for (const auto& [at, line] : undecided_) {
        file_->lines[at].path = line;
        file_->lines[at].label = "";
      }
    }
    comments_.Warn(origin_, &file_->warnings);
  }

 private:
  void Push(absl::string_view path, absl::string_view label, int number) {
    file_->lines.push_back({path, label, number});
  }

  // `"path" label`, `"path"` or `"class name"`.
  absl::Status AddQuoted(absl::string_view line, int number) {
    absl::string_view path;
    if (!TakeQuoted(&line, &path, &file_->texts)) {
      return LabelError(origin_, number,
                        "the quote before the path has no end; write \"path\" label");
    }
    const absl::string_view label = absl::StripAsciiWhitespace(line);
    const bool at_tab = absl::StrContains(line.substr(0, line.size() - label.size()), '\t');
    if (label.empty()) {
      const bool is_path = IsVideoName(path) || names_file_(path);
      Push(is_path ? path : "", is_path ? "" : path, number);
      without_label_ += is_path ? 1 : 0;
      return absl::OkStatus();
    }
    const bool one_word = label.find_first_of(kBlanks) == absl::string_view::npos;
    if (label.size() == line.size() || (!one_word && !at_tab)) {
      return LabelError(origin_, number,
                        "after a path in quotes, only a blank and one word, the label, may "
                        "follow; write a quote inside the path twice");
    }
    Push(path, label, number);
    ++labelled_;
    return absl::OkStatus();
  }

  absl::Status AddWord(absl::string_view word, int number) {
    if (IsVideoName(word) || names_file_(word)) {
      Push(word, "", number);
      ++without_label_;
      return absl::OkStatus();
    }
    SLIMREEL_RETURN_IF_ERROR(RefuseOtherColumns(word, number));
    Push("", word, number);
    return absl::OkStatus();
  }

  absl::Status AddColumns(absl::string_view line, const SplitLabel& split, int number) {
    if (names_file_(line)) {
      Push(line, "", number);
      ++without_label_;
      return absl::OkStatus();
    }
    if (absl::StrContains(split.path, '\t')) {
      return LabelError(origin_, number,
                        "more than two columns; write the path, a tab and the label, and put "
                        "quotes around a path that contains a tab");
    }
    Push(split.path, split.label, number);
    ++labelled_;
    return absl::OkStatus();
  }

  absl::Status AddWords(absl::string_view line, const SplitLabel& split, int number) {
    if (IsVideoName(line) || names_file_(line)) {
      Push(line, "", number);
      ++without_label_;
      return absl::OkStatus();
    }
    if (IsVideoName(split.path) || names_file_(split.path)) {
      ++labelled_;
    } else {
      SLIMREEL_RETURN_IF_ERROR(RefuseOtherColumns(split.path, number));
      undecided_.push_back({file_->lines.size(), line});
    }
    Push(split.path, split.label, number);
    return absl::OkStatus();
  }

  absl::Status RefuseOtherColumns(absl::string_view path, int number) const {
    if (!HasVideoNameInside(path)) return absl::OkStatus();
    return LabelError(
        origin_, number,
        "after the name of a video, only a blank or a tab and one label may follow; a label with "
        "blanks needs a tab before it, or a comma in a .csv file; put quotes around a path with "
        "blanks");
  }

  const absl::string_view origin_;
  const NamesFile& names_file_;
  LabelFile* const file_;
  int64_t labelled_ = 0;       // lines that certainly have a label
  int64_t without_label_ = 0;  // lines that certainly have none
  std::vector<std::pair<size_t, absl::string_view>> undecided_;
  Comments comments_;
};

}  // namespace

absl::Status LabelError(absl::string_view origin, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(origin, ":", line, ": ", what));
}

absl::StatusOr<std::string> PlainText(std::string text, absl::string_view origin) {
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.erase(0, 3);
  const size_t nul = text.find('\0');
  if (nul != std::string::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<int64_t>(nul), '\n');
    return LabelError(origin, static_cast<int>(line),
                      "this is not ASCII or UTF-8 text; a list has lines of `path label`");
  }
  if (!absl::StrContains(text, '\n')) std::replace(text.begin(), text.end(), '\r', '\n');
  return text;
}

bool TakeQuoted(absl::string_view* text, absl::string_view* value, std::deque<std::string>* texts) {
  bool has_quote = false;
  for (size_t at = 1; at < text->size(); ++at) {
    if ((*text)[at] != '"') continue;
    if (at + 1 < text->size() && (*text)[at + 1] == '"') {
      has_quote = true;
      ++at;
      continue;
    }
    *value = text->substr(1, at - 1);
    text->remove_prefix(at + 1);
    if (has_quote) {
      texts->push_back(absl::StrReplaceAll(*value, {{"\"\"", "\""}}));
      *value = texts->back();
    }
    return true;
  }
  return false;
}

void Comments::Add(bool like_video, int line) {
  if (!like_video) return;
  if (++like_videos == 1) first_line = line;
}

void Comments::Warn(absl::string_view origin, std::vector<std::string>* warnings) const {
  if (like_videos == 0) return;
  warnings->push_back(
      absl::StrCat(origin, ": ", like_videos,
                   " lines with names of videos are skipped as comments, because they "
                   "begin with # and name no existing file (the first is line ",
                   first_line, "); put quotes around a path that begins with #"));
}

absl::StatusOr<LabelFile> ParseLabelLines(std::string text, absl::string_view origin,
                                          const NamesFile& names_file) {
  LabelFile file;
  SLIMREEL_ASSIGN_OR_RETURN(text, PlainText(std::move(text), origin));
  file.texts.push_back(std::move(text));
  const absl::string_view plain = file.texts.front();
  file.lines.reserve(1 + std::count(plain.begin(), plain.end(), '\n'));
  Lines lines(origin, names_file, &file);
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(plain, '\n')) {
    SLIMREEL_RETURN_IF_ERROR(lines.Add(absl::StripAsciiWhitespace(line), ++number));
  }
  lines.End();
  return file;
}

}  // namespace slimreel
