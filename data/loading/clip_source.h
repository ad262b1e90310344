// Where pixels come from: shards, or made up.
//
// Who calls it: BatchBuilder. Threading: const methods from any thread at once.
#ifndef DATA_LOADING_CLIP_SOURCE_H_
#define DATA_LOADING_CLIP_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/loading/crop.h"

namespace slimreel {

struct ClipInfo {
  int64_t label = -1;  // -1: none
  int64_t num_frames = 0;
  ImageSize size;     // of the stored frames
  int64_t video = 0;  // number in videos()
};

struct ClipRequest {
  int64_t sample = 0;
  std::vector<int64_t> frames;  // indices in the sample, in clip order
  Crop crop;
};

class ClipSource {
 public:
  virtual ~ClipSource() = default;

  virtual int64_t num_samples() const = 0;
  virtual ClipInfo info(int64_t sample) const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  virtual const std::vector<std::string>& videos() const = 0;

  // Says that ReadClip will be called with this request soon. Never fails.
  virtual void WillRead(const ClipRequest&) const {}

  // Writes [3, frames, crop height, crop width] uint8 to `clip`. Errors name the
  // shard and the sample: DataLoss, NotFound (the sample has no raw frames).
  virtual absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const = 0;
};

}  // namespace slimreel

#endif  // DATA_LOADING_CLIP_SOURCE_H_
