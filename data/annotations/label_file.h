// Reads a file of labels in any form. The form follows from the name and the content: JSON
// (label_json.h), a table in a .csv or .tsv (label_table.h), else lines (label_lines.h).
//
// A first line with the headings of the columns is skipped in all forms of text. It is a heading if
// - it has known words for both columns: `path`, `video_path`, `filename`, ... and then `label`,
//   `class`, `target`, ...; or
// - it does not name a video, at least half of the lines below do (the first 100 count), its label
//   is not a number, and no line below has its label. A warning then says so.
//
// Threading: pure functions of the file system.
#ifndef DATA_ANNOTATIONS_LABEL_FILE_H_
#define DATA_ANNOTATIONS_LABEL_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with path:line: a line that cannot be understood, a negative number as a label,
// columns in the wrong order. InvalidArgument with the path: a folder, a file too large for a list.
// Other errors: those of ReadFile (base/atomic_file.h).
absl::StatusOr<LabelFile> ReadLabelFile(const std::string& path, const NamesFile& names_file);

// The number if `label` has only digits, else nothing.
std::optional<int64_t> LabelNumber(absl::string_view label);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_FILE_H_
