// Labels as tables of two columns, path and label, as RFC 4180 has them; between the columns a
// comma (.csv) or a tab (.tsv).
//
//   clips/left one.mp4,turns left
//   "clips/b, c.mp4",              no label
//   clips/d, e.mp4                 no label either, where the line names a file that is there
//   left                           one column: a path or a class name, as in label_lines.h
//
// Comments and blank lines are those of label_lines.h. Pure functions but for `NamesFile`.
#ifndef DATA_ANNOTATIONS_LABEL_TABLE_H_
#define DATA_ANNOTATIONS_LABEL_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with origin:line: what ParseLabelLines refuses; a line of three columns or
// more, or without a path.
absl::StatusOr<LabelFile> ParseLabelTable(std::string text, absl::string_view origin,
                                          char separator, const NamesFile& names_file);

// Whether `separator` stands in at least half of the lines: some .csv files have lines of
// `path label`.
bool IsLabelTable(absl::string_view text, char separator);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_TABLE_H_
