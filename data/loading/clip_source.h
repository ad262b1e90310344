// Where pixels, keypoints, spectra and tokens come from: shards, or made up.
//
// Who calls it: BatchBuilder. Threading: const methods from any thread at once.
#ifndef DATA_LOADING_CLIP_SOURCE_H_
#define DATA_LOADING_CLIP_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/loading/crop.h"

namespace slimreel {

struct ClipInfo {
  int64_t label = -1;  // -1: none
  int64_t num_frames = 0;
  FrameSize size;     // of the stored frames
  int64_t video = 0;  // number in videos()
};

// Which keypoints of a sample: those that the crop shows where frames are read too, so
// that both streams see the same; else those in a window around the persons.
struct PoseRequest {
  std::vector<int64_t> frames;  // indices in the sample, in clip order; empty: none
  bool follow_crop = false;
  bool random_window = false;  // a random part of the window; the bits decide
  uint64_t top_bits = 0;
  uint64_t left_bits = 0;
};

struct ClipRequest {
  int64_t sample = 0;
  std::vector<int64_t> frames;  // indices in the sample, in clip order; empty: none
  Crop crop;                    // its flip is also the keypoints'
  PoseRequest pose;
};

class ClipSource {
 public:
  virtual ~ClipSource() = default;

  virtual int64_t num_samples() const = 0;
  virtual ClipInfo info(int64_t sample) const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  virtual const std::vector<std::string>& videos() const = 0;
  // ShardDataset::ContentId; none: the sample is stored nowhere.
  virtual std::optional<uint64_t> content_id(int64_t /*sample*/) const { return std::nullopt; }
  // ShardDataset::SourceId; none as above.
  virtual std::optional<uint64_t> source_id(int64_t /*sample*/) const { return std::nullopt; }

  // Says that ReadClip will be called with this request soon. Never fails.
  virtual void WillRead(const ClipRequest&) const {}

  // Writes [3, frames, crop height, crop width] uint8 to `clip`. Errors name the
  // shard and the sample: DataLoss, NotFound (the sample has no raw frames).
  virtual absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const = 0;

  // Writes [persons, request.pose.frames, joints, 3] float32 (LoaderOptions::keypoints).
  // Errors as above; InvalidArgument: the sample has another number of joints.
  virtual absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const = 0;

  // [mels, frames] float32 (LoaderOptions::log_mel).
  virtual absl::Status ReadLogMel(int64_t sample, float* log_mel) const = 0;

  // [length] each (LoaderOptions::tokens): what the decoder reads, and the labels it
  // is to give, -100 behind their end.
  virtual absl::Status ReadTokens(int64_t sample, int64_t* tokens, int64_t* labels) const = 0;
};

}  // namespace slimreel

#endif  // DATA_LOADING_CLIP_SOURCE_H_
