// The text forms in which people bring labels, one video a line. In all of them blank lines
// and comments (#) are passed over, and quotes may stand around a path ("" for a quote in it).
//
//   clips/left one.mp4 left        the last word is the label, the rest the path
//   "clips/b c.mp4" 3              a number is a label number
//   left                           a word alone is a class name (annotation files)
//
// A .csv file in which a comma stands, as RFC 4180 has it:
//
//   path,label                     this first line may be there or not
//   clips/left one.mp4,turns left
//   "clips/b, c.mp4",              no label
#ifndef DATA_ANNOTATIONS_LABEL_LINES_H_
#define DATA_ANNOTATIONS_LABEL_LINES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct LabelLine {
  std::string path;   // empty: a word stands alone
  std::string label;  // as written; empty: the line has a path and says there is none
  int line = 0;       // from 1
};

// InvalidArgument with origin:line: a NUL byte, as binary files have; a quote that does not
// end, or ends before its word; a path between quotes with more than a label after it.
absl::StatusOr<std::vector<LabelLine>> ParseLabelLines(std::string_view text,
                                                       std::string_view origin);
// Likewise; and a line of three columns or more, or without a path.
absl::StatusOr<std::vector<LabelLine>> ParseLabelTable(std::string_view text,
                                                       std::string_view origin);
// A table where the name ends in .csv and a comma stands outside of comments, else lines.
absl::StatusOr<std::vector<LabelLine>> ReadLabelLines(const std::string& path);

// The number where `label` is one (digits alone), else nothing.
std::optional<int64_t> LabelNumber(std::string_view label);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_LINES_H_
