// A file of labels in any form -> its lines. The form follows from the name and the content:
// JSON (label_json.h), a table in a .csv or .tsv (label_table.h), else lines (label_lines.h).
//
// A first line that heads the columns is no video: `path,label` and its like (`video_path`,
// `filename`, ... before `class`, `target`, ...), in all forms of text; and, which is then said,
// another one that stands above videos, names none, and has a label that no line below has.
#ifndef DATA_ANNOTATIONS_LABEL_FILE_H_
#define DATA_ANNOTATIONS_LABEL_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with path:line: a line that has no meaning, a negative number for a label,
// columns in the other order; a folder, or a file too big for a list. Else as ReadFile.
absl::StatusOr<LabelFile> ReadLabelFile(const std::string& path, const NamesFile& names_file);

// The number where `label` is one (only digits), else nothing.
std::optional<int64_t> LabelNumber(absl::string_view label);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_FILE_H_
