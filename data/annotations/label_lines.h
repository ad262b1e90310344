// The text form in which most people bring labels: one video a line. Blank lines are passed
// over, and quotes may stand around a path ("" for a quote in it).
//
//   clips/left one.mp4 left        the last word is the label, the rest the path
//   clips/left one.mp4<TAB>turns left     after a tab a label may have blanks
//   "clips/b c.mp4" 3              a number is a label number
//   clips/drinking (31).mp4        a path without a label: the line ends as videos do, or
//                                  names a file that is there
//   left                           a word that is neither is a class name (annotation files)
//   # note                         a comment, unless the line names a file that is there
//
// Where neither the files nor the extensions decide whether the last word is a label, the
// other lines do: it is none where all of them are paths without labels.
// Pure functions but for `NamesFile`.
#ifndef DATA_ANNOTATIONS_LABEL_LINES_H_
#define DATA_ANNOTATIONS_LABEL_LINES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

struct LabelLine {
  absl::string_view path;   // empty: a word stands alone
  absl::string_view label;  // as written; empty: the line has a path and no label
  int line = 0;             // from 1
};

// Moves keep the views valid, copies would not.
struct LabelFile {
  LabelFile() = default;
  LabelFile(LabelFile&&) = default;
  LabelFile& operator=(LabelFile&&) = default;

  std::vector<LabelLine> lines;
  std::vector<std::string> warnings;  // of what was passed over
  std::deque<std::string> texts;      // what the views point into
};

// Whether a word of the list names a file that is there (a folder is none).
using NamesFile = std::function<bool(absl::string_view)>;

// InvalidArgument with origin:line: a NUL byte, as binary files have; a quote that does not
// end, or ends before its word; more than two columns.
absl::StatusOr<LabelFile> ParseLabelLines(std::string text, absl::string_view origin,
                                          const NamesFile& names_file);

// "list.txt:3: what".
absl::Status LabelError(absl::string_view origin, int line, absl::string_view what);

// Shared with tables: the text without the byte order mark that some editors write, and with
// \n for the \r of old systems. InvalidArgument where it is no text.
absl::StatusOr<std::string> PlainText(std::string text, absl::string_view origin);

// Takes "a ""b""" from the front of `text`; the value is a view of `text` or of a text that is
// added to `texts`. False where the quote does not end.
bool TakeQuoted(absl::string_view* text, absl::string_view* value, std::deque<std::string>* texts);

// Lines that begin with # and look like videos: they are comments, and that is said.
struct Comments {
  int64_t like_videos = 0;
  int first_line = 0;

  void Add(bool like_video, int line);
  void Warn(absl::string_view origin, std::vector<std::string>* warnings) const;
};

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_LINES_H_
