// Labels as JSON, in two forms:
//
//   {"a.mp4": "left", "b.mp4": {"label": "FAKE", "split": "train"}}
//   [{"path": "a.mp4", "label": 3}, {"filename": "b.mp4", "label": true}]
//
// A label is a text, a whole number, true or false (then "true" or "false" is the class), or
// null for none. Other members of a video's object are passed over. Pure functions.
#ifndef DATA_ANNOTATIONS_LABEL_JSON_H_
#define DATA_ANNOTATIONS_LABEL_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data/annotations/label_lines.h"

namespace slimreel {

// InvalidArgument with origin:line and what is allowed: no JSON, or another form.
absl::StatusOr<LabelFile> ParseLabelJson(absl::string_view text, absl::string_view origin);

// Whether a text that may be lines or JSON is meant as JSON. A path may begin with a bracket.
bool IsLabelJson(absl::string_view text);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LABEL_JSON_H_
