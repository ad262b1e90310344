// A video of an input.
#ifndef DATA_ANNOTATIONS_INPUT_VIDEO_H_
#define DATA_ANNOTATIONS_INPUT_VIDEO_H_

#include <cstdint>
#include <string>

namespace slimreel {

struct InputVideo {
  std::string path;  // to open
  std::string name;  // below its input, '/' between folders: what keys are made of
  int64_t label = -1;
};

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_INPUT_VIDEO_H_
