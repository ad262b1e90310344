// Applies the labels of `--annotations` to the videos of `--input`.
//
// Threading: one thread at a time per FoundVideos.
#ifndef DATA_ANNOTATIONS_ANNOTATE_H_
#define DATA_ANNOTATIONS_ANNOTATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/annotations/found_videos.h"

namespace slimreel {

// Gives each video that a line of the file names the label of that line. A line names a video by
// its path, by its name below the input, or by its file name. A line without a label removes the
// video's label. Returns the class names in the order of the file: the lines
// of one word.
//
// InvalidArgument with file:line: anything that ReadLabelFile refuses; a name that several videos
// have; two labels for one video. InvalidArgument with the file: no line names a video, or no video
// has a label. Lines that name no video are counted in a warning.
absl::StatusOr<std::vector<std::string>> Annotate(const std::string& annotations,
                                                  FoundVideos* found,
                                                  std::vector<std::string>* warnings);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_ANNOTATE_H_
