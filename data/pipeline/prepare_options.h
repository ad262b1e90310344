// Options and progress of one preparation. Plain values.
#ifndef DATA_PIPELINE_PREPARE_OPTIONS_H_
#define DATA_PIPELINE_PREPARE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "configs/data_options.h"

namespace slimreel {

struct PrepareProgress {
  int64_t inputs_done = 0;
  int64_t inputs = 0;
  int64_t frames = 0;
};

struct PrepareOptions {
  std::vector<std::string> inputs;  // folders, lists, videos (data/annotations/input_list.h)
  std::string annotations;          // path; empty: none
  std::string output;               // folder of the shards
  std::string split = "train";      // train, val or test
  int part = 0;                     // 1..num_parts; 0: the whole split
  int num_parts = 0;
  // Replaces this split if the folder holds it in another division. Without it, that is an error.
  bool replace_division = false;
  int num_workers = 1;  // decoding threads; the number changes no byte of the result
  // Bound for chunks that are being made or wait to be written. Decoders need memory besides it
  // (prepare_sizing.h). Longer chunks go to unnamed files in `output`. The bound changes no byte
  // of the result.
  int64_t memory_bytes = int64_t{1} << 30;
  // Bound for one decoded picture, and for a keypoint file. A larger one rejects its video.
  // 0: no bound.
  int64_t max_picture_bytes = 0;
  DataOptions data;
  std::function<bool()> interrupted;                        // may be empty; called by any thread
  std::function<void(const PrepareProgress&)> on_progress;  // may be empty; caller's thread

  // InvalidArgument or Unimplemented if the options already show that it cannot work.
  absl::Status Validate() const;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_OPTIONS_H_
