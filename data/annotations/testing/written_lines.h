// For tests of the forms of labels: shows lines as text, and names the existing files.
#ifndef DATA_ANNOTATIONS_TESTING_WRITTEN_LINES_H_
#define DATA_ANNOTATIONS_TESTING_WRITTEN_LINES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

using Texts = std::vector<std::string>;

// "3|path|label" for each line; for an error, its message.
inline Texts Written(const absl::StatusOr<LabelFile>& file) {
  if (!file.ok()) return {std::string(file.status().message())};
  Texts written;
  for (const LabelLine& line : file->lines) {
    written.push_back(absl::StrCat(line.line, "|", line.path, "|", line.label));
  }
  return written;
}

inline NamesFile Names(const std::set<std::string>& there) {
  return [there](absl::string_view word) { return there.count(std::string(word)) > 0; };
}

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_TESTING_WRITTEN_LINES_H_
