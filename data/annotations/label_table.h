// Parses labels in tables of two columns, path and label (RFC 4180), separated by a comma (.csv) or
// a tab (.tsv).
//
//   clips/left one.mp4,turns left
//   "clips/b, c.mp4",              no label
//   clips/d, e.mp4                 no label either, if the whole line names an existing file
//   left                           one column: a path or a class name, as in label_lines.h
//
// Comments and blank lines are as in label_lines.h.
//
// Threading: pure functions, except for the NamesFile that the caller gives.
#ifndef DATA_ANNOTATIONS_LABEL_TABLE_H_
#define DATA_ANNOTATIONS_LABEL_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with origin:line: what ParseLabelLines refuses, a line of three or more columns,
// a line without a path.
absl::StatusOr<LabelFile> ParseLabelTable(std::string text, absl::string_view origin,
                                          char separator, const NamesFile& names_file);

// Whether at least half of the lines contain `separator`. (Some .csv files have lines of
// `path label` instead.)
bool IsLabelTable(absl::string_view text, char separator);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_TABLE_H_
