// What the user gives (`--input`, `--annotations`) -> the videos, in a fixed
// order, with their labels.
//
//   a folder with videos in sub-folders    class = first-level folder
//   a folder with videos of its own        no labels
//   a .txt, .csv, .tsv, .lst, .list file   lines of `path label` or `path` (label_lines.h)
//   any other file                         one video, no label
//
// Who calls it: the pipeline. Only the folders are read, no video is opened.
#ifndef DATA_ANNOTATIONS_INPUT_LIST_H_
#define DATA_ANNOTATIONS_INPUT_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct InputVideo {
  std::string path;  // to open
  std::string name;  // below its input, '/' between folders: what keys are made of
  int64_t label = -1;
};

struct InputList {
  std::vector<InputVideo> videos;  // inputs as given; inside of a folder by name, in a list by line
  std::vector<std::string> classes;  // by label; empty: nothing is labelled
  std::vector<std::string> warnings;
};

struct InputRequest {
  std::vector<std::string> inputs;
  // A list like those of the inputs: labels of their videos (they win over folders); lines
  // of one word are class names, numbered in their order. Empty: none.
  std::string annotations;
  // Class names that hold already (another split of the same data set): labels
  // are numbers of these, and a class that is not among them is an error.
  std::vector<std::string> known_classes;
};

// NotFound: an input that does not exist. InvalidArgument: lines (file:line),
// labels, a video given twice. A listed video that does not exist is no error
// here: it becomes a line of the report. Class names are numbered in the order
// of their names; labels that are all numbers stay as they are.
absl::StatusOr<InputList> ListInputs(const InputRequest& request);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_INPUT_LIST_H_
