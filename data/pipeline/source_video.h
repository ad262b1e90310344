// One video of the input: its files, the key of its samples, and its label.
#ifndef DATA_PIPELINE_SOURCE_VIDEO_H_
#define DATA_PIPELINE_SOURCE_VIDEO_H_

#include <cstdint>
#include <string>

#include "data/chunking/chunk_video.h"

namespace slimreel {

struct SourceVideo {
  SourceFiles source;  // their state when the inputs were listed
  std::string key;     // stem of the keys of its samples (sample_key.h)
  int64_t label = -1;  // index into the classes; -1: none
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SOURCE_VIDEO_H_
