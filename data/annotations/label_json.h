// Parses labels in JSON, in two forms:
//
//   {"a.mp4": "left", "b.mp4": {"label": "FAKE", "split": "train"}}
//   [{"path": "a.mp4", "label": 3}, {"filename": "b.mp4", "label": true}]
//
// A label is a text, a whole number, true or false (the class is then "true" or "false"), or null
// for no label. Other members of a video's object are skipped.
//
// Threading: pure functions.
#ifndef DATA_ANNOTATIONS_LABEL_JSON_H_
#define DATA_ANNOTATIONS_LABEL_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with origin:line and the allowed forms: the text is not JSON, or has another
// form.
absl::StatusOr<LabelFile> ParseLabelJson(absl::string_view text, absl::string_view origin);

// Whether the text is meant as JSON. (A first line of text may begin with a bracket too.)
bool IsLabelJson(absl::string_view text);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_JSON_H_
