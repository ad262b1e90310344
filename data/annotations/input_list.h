// What the user gives (`--input`, `--annotations`) -> the videos, in a fixed
// order, with their labels.
//
//   a folder with videos in sub-folders    class = first-level folder
//   a folder with videos of its own        no labels
//   a .txt, .csv, .tsv, .lst, .list,       videos with or without labels (label_file.h)
//   .json file
//   any other file                         one video, no label
//
// Folders and lists are read, no video is opened. Paths are bytes and stay as they are.
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
  std::vector<InputVideo> videos;  // inputs as given; inside of a folder by name, in a list by line
  std::vector<std::string> classes;  // by label; empty: nothing is labelled
  std::vector<std::string> warnings;
  std::vector<std::string> unreadable_folders;  // inside of the inputs; a warning names them too
};

struct InputRequest {
  std::vector<std::string> inputs;
  // A list like those of the inputs: labels of their videos (they win over folders); words
  // that stand alone are class names, numbered in their order. Empty: none.
  std::string annotations;
  // Class names that hold already (another split of the same data set): labels
  // are numbers of these, and a class that is not among them is an error.
  std::vector<std::string> known_classes;
  // Whether keypoint files beside the videos will be read: then no two may share one.
  bool keypoints = true;
};

// Each line of a list is taken, refused with its number, or counted in a warning.
//
// NotFound: an input that does not exist. InvalidArgument: lines (file:line), labels, a video
// given twice, annotations that name no video of the input, a shared keypoint file. With the
// exit code of unusable data: a folder or a list without a video; a disk that is not there must
// not look like that. A listed video that does not exist is no error here: it becomes a line
// of the report. The machine's errors are as SystemError has them.
absl::StatusOr<InputList> ListInputs(const InputRequest& request);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_INPUT_LIST_H_
