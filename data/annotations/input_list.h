// Lists the videos that the user gives (`--input`, `--annotations`), in a fixed order, with labels.
//
//   a folder with videos in sub-folders    the first-level folder is the class
//   a folder with videos directly in it    no labels
//   a .txt, .csv, .tsv, .lst, .list or     videos with or without labels (label_file.h)
//   .json file
//   any other file                         one video, no label
//
// Folders and lists are read; videos are not opened. Paths are bytes and are not changed.
//
// Threading: pure functions of the file system.
#ifndef DATA_ANNOTATIONS_INPUT_LIST_H_
#define DATA_ANNOTATIONS_INPUT_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/annotations/input_video.h"

namespace slimreel {

struct InputList {
  // In the order of the inputs; those of a folder sorted by name, those of a list by line.
  std::vector<InputVideo> videos;
  std::vector<std::string> classes;  // names, indexed by label; empty: no video has a label
  std::vector<std::string> warnings;
  std::vector<std::string> unreadable_folders;  // inside the inputs; a warning names them too
};

struct InputRequest {
  std::vector<std::string> inputs;
  // A list like those of the inputs, with labels for their videos. These win over folder names. A
  // line of one word is a class name; classes are numbered in that order. Empty: none.
  std::string annotations;
  // Class names that are already fixed (by another split of the same data set). Labels are indexes
  // into these, and any other class is an error.
  std::vector<std::string> known_classes;
  // Whether keypoint files beside the videos will be read. If so, no two videos may share one.
  bool keypoints = true;
};

// Each line of a list is used, refused with its number, or counted in a warning.
//
// NotFound: an input that does not exist. InvalidArgument: a bad line (file:line), a bad label, a
// video given twice, annotations that name no video of the input, a shared keypoint file.
// FailedPrecondition with the exit code of unusable data: a folder or a list without a video, so
// that a disk that is not mounted is not taken for removed videos. Errors of the machine: those of
// SystemError (base/atomic_file.h). A listed video that does not exist is not an error here: it
// becomes a line of the report.
absl::StatusOr<InputList> ListInputs(const InputRequest& request);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_INPUT_LIST_H_
