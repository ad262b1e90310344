// The labels of `--annotations` for the videos of `--input`.
#ifndef DATA_ANNOTATIONS_ANNOTATE_H_
#define DATA_ANNOTATIONS_ANNOTATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/annotations/found_videos.h"

namespace slimreel {

// Gives the labels of the file to the videos that its lines name: by their paths, their names
// below the input, or their file names. A line without a label takes a video's label away.
// Returns the words that stand alone: the names of the classes, in their order.
//
// InvalidArgument with file:line: what ReadLabelFile refuses; a name that several videos bear;
// two labels for one video. With the file: it names no video, or gives neither labels nor
// classes. Lines that name no video are counted in a warning.
absl::StatusOr<std::vector<std::string>> Annotate(const std::string& annotations,
                                                  FoundVideos* found,
                                                  std::vector<std::string>* warnings);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_ANNOTATE_H_
