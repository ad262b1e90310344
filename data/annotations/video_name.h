// Which file names are names of videos.
//
// Threading: pure functions.
#ifndef DATA_ANNOTATIONS_VIDEO_NAME_H_
#define DATA_ANNOTATIONS_VIDEO_NAME_H_

#include "absl/strings/string_view.h"

namespace slimreel {

// True if `path` ends in a video's extension, in upper or lower case: "a/b.MP4", "x (31).mp4".
bool IsVideoName(absl::string_view path);

// True if `text` contains the name of a video followed by a blank, a tab or a column separator:
// "a.mp4,left", "a.mp4 turns left".
bool HasVideoNameInside(absl::string_view text);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_VIDEO_NAME_H_
