// A video of the input as a preparation works on it.
#ifndef DATA_PIPELINE_INPUT_VIDEO_H_
#define DATA_PIPELINE_INPUT_VIDEO_H_

#include <cstdint>
#include <string>

#include "data/chunking/chunk_video.h"

namespace slimreel {

struct PreparedVideo {
  SourceFiles source;  // looked at when the inputs were listed
  std::string key;     // stem of its samples' keys
  int64_t label = -1;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_INPUT_VIDEO_H_
