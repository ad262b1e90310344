// Which file names are names of videos. Pure functions.
#ifndef DATA_ANNOTATIONS_VIDEO_NAME_H_
#define DATA_ANNOTATIONS_VIDEO_NAME_H_

#include "absl/strings/string_view.h"

namespace slimreel {

// True where `path` ends in an extension of videos, in any case: "a/b.MP4", "x (31).mp4".
bool IsVideoName(absl::string_view path);

// True where the name of a video stands in `text` and a blank, a tab or a separator of
// columns follows it: "a.mp4,left", "a.mp4 turns left".
bool HasVideoNameInside(absl::string_view text);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_VIDEO_NAME_H_
