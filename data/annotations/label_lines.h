// Parses the usual text form of labels: one video per line. Blank lines are skipped. A path may be
// in quotes; a quote inside them is written twice ("").
//
//   clips/left one.mp4 left             the last word is the label, the rest is the path
//   clips/left one.mp4<TAB>turns left   after a tab, a label may have blanks
//   "clips/b c.mp4" 3                   digits are the number of a label
//   clips/drinking (31).mp4             a path without a label: the line ends like the name
//                                       of a video, or names an existing file
//   left                                any other single word is a class name (annotation files)
//   # note                              a comment, unless the line names an existing file
//
// If neither an existing file nor an extension shows whether the last word is a label, the other
// lines decide: if all of them are paths without labels, the last word is part of the path.
//
// Threading: pure functions, except for the NamesFile that the caller gives.
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
  absl::string_view path;   // empty: the line has one word, in `label`
  absl::string_view label;  // as written; empty: the line has a path but no label
  int line = 0;             // from 1
};

// Can be moved but not copied: the lines view `texts`, and only a move keeps the views valid.
struct LabelFile {
  LabelFile() = default;
  LabelFile(LabelFile&&) = default;
  LabelFile& operator=(LabelFile&&) = default;

  std::vector<LabelLine> lines;
  std::vector<std::string> warnings;  // about skipped lines
  std::deque<std::string> texts;      // what the lines view
};

// Whether a word of the list names an existing file (not a folder).
using NamesFile = std::function<bool(absl::string_view)>;

// InvalidArgument with origin:line: a NUL byte (a binary file), a quote without an end or with text
// right after it, more than two columns.
absl::StatusOr<LabelFile> ParseLabelLines(std::string text, absl::string_view origin,
                                          const NamesFile& names_file);

// "list.txt:3: what".
absl::Status LabelError(absl::string_view origin, int line, absl::string_view what);

// Also used for tables: removes a byte order mark, and turns \r into \n if the text has no \n.
// InvalidArgument if it is not text.
absl::StatusOr<std::string> PlainText(std::string text, absl::string_view origin);

// Removes a quoted value such as "a ""b""" from the front of `text`. `value` views `text`, or a
// string that is added to `texts`. False if the quote has no end.
bool TakeQuoted(absl::string_view* text, absl::string_view* value, std::deque<std::string>* texts);

// Counts the comments that look like videos, for a warning.
struct Comments {
  int64_t like_videos = 0;
  int first_line = 0;

  void Add(bool like_video, int line);
  void Warn(absl::string_view origin, std::vector<std::string>* warnings) const;
};

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_LINES_H_
