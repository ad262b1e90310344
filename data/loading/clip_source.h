// The interface to the samples: pixels, keypoints, spectrograms and tokens. They
// come from shards, or are synthetic.
//
// Threading: const methods from any number of threads at once.
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
  int64_t video = 0;  // index into videos()
};

// Which keypoints of a sample to read. With frames, the keypoints follow the crop of the frames,
// so that both streams see the same window. Without frames, the window is around the persons.
struct PoseRequest {
  std::vector<int64_t> frames;  // indices in the sample, in clip order; empty: none
  bool follow_crop = false;
  bool random_window = false;  // a random part of the window, drawn by the bits below
  uint64_t top_bits = 0;
  uint64_t left_bits = 0;
};

struct ClipRequest {
  int64_t sample = 0;
  std::vector<int64_t> frames;  // indices in the sample, in clip order; empty: none
  Crop crop;                    // its flip applies to the keypoints too
  PoseRequest pose;
};

class ClipSource {
 public:
  virtual ~ClipSource() = default;

  virtual int64_t num_samples() const = 0;
  virtual ClipInfo info(int64_t sample) const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  virtual const std::vector<std::string>& videos() const = 0;
  // ShardDataset::ContentId; none for a synthetic sample.
  virtual std::optional<uint64_t> content_id(int64_t /*sample*/) const { return std::nullopt; }
  // ShardDataset::SourceId; none for a synthetic sample.
  virtual std::optional<uint64_t> source_id(int64_t /*sample*/) const { return std::nullopt; }

  // Asks the system to fetch the frames of a request that ReadClip will read soon. Never fails.
  virtual void Prefetch(const ClipRequest&) const {}

  // Writes [3, frames, crop height, crop width] uint8 to `clip`. Errors name the shard and the
  // sample. DataLoss: damaged. NotFound: the sample has no raw frames.
  virtual absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const = 0;

  // Writes [persons, request.pose.frames, joints, 3] float32 (LoaderOptions::keypoints).
  // Errors as above. InvalidArgument: the sample's number of joints differs.
  virtual absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const = 0;

  // Writes [mels, frames] float32 (LoaderOptions::log_mel).
  virtual absl::Status ReadLogMel(int64_t sample, float* log_mel) const = 0;

  // Writes [length] int64 each (LoaderOptions::tokens): the decoder's input, and its target
  // labels, which are -100 after the end of the text.
  virtual absl::Status ReadTokens(int64_t sample, int64_t* tokens, int64_t* labels) const = 0;
};

}  // namespace slimreel

#endif  // DATA_LOADING_CLIP_SOURCE_H_
