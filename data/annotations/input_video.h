// A video that an input gives.
#ifndef DATA_ANNOTATIONS_INPUT_VIDEO_H_
#define DATA_ANNOTATIONS_INPUT_VIDEO_H_

#include <cstdint>
#include <string>

namespace slimreel {

struct InputVideo {
  std::string path;    // to open the file
  std::string name;    // below its input, with '/'; keys are made from it
  int64_t label = -1;  // index of the class; -1: none
};

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_INPUT_VIDEO_H_
