// The text form in which people bring labels: `path label`, one video a line.
//
//   # comment                      blank lines and comments are passed over
//   clips/left one.mp4 left        the last word is the label, the rest the path
//   clips/b.mp4 3                  a number is a label number
//   left                           a word alone is a class name (annotation files)
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
  std::string path;   // empty: a class name stands alone
  std::string label;  // as written
  int line = 0;       // from 1
};

// `origin` is named in errors (InvalidArgument with origin:line): a NUL byte, as
// binary files have.
absl::StatusOr<std::vector<LabelLine>> ParseLabelLines(std::string_view text,
                                                       std::string_view origin);
absl::StatusOr<std::vector<LabelLine>> ReadLabelLines(const std::string& path);

// The number where `label` is one (digits alone), else nothing.
std::optional<int64_t> LabelNumber(std::string_view label);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_LINES_H_
