// The options of a loader, and its position. Free of torch, because the part of
// the loader below the tensors (and its thread sanitizer tests) uses them too.
#ifndef DATA_LOADING_LOADER_OPTIONS_H_
#define DATA_LOADING_LOADER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "configs/data_options.h"

namespace slimreel {

inline constexpr int64_t kCocoJoints = 17;

// The keypoint input, [persons, frames, joints, 3] float32: x, y in heatmap pixels, score.
struct KeypointInput {
  int64_t persons = 0;  // upper bound; missing persons are zeros. 0: no keypoints are read
  int64_t frames = 32;
  int64_t joints = 17;
  int64_t heatmap_size = 56;  // x and y of visible joints lie in [0, heatmap_size]
};

// The spectrogram input, [mels, frames] float32.
struct LogMelInput {
  int64_t mels = 0;  // 0: no spectrogram is read
  int64_t frames = 3000;
};

// The decoder's input, [length] int64, and as many labels.
struct TokenInput {
  int64_t length = 0;  // 0: no tokens are read
  int64_t vocabulary = 0;
};

struct LoaderOptions {
  std::vector<std::string> sources;        // shard folders, or one "synthetic:N"
  std::string sources_key = "data.train";  // key or flag that gave the sources, for messages
  // Reads the shards <split>-*.tar. A folder that holds only one split gives that one.
  std::string split = "train";
  int64_t height = 112;  // of the clip fed to the model
  int64_t width = 112;
  // The inputs that the model takes. The loader reads no others.
  bool frames = true;  // [3, num_frames, height, width] uint8
  KeypointInput keypoints;
  LogMelInput log_mel;
  TokenInput tokens;
  bool allow_upscale = false;  // false: frames smaller than the crop are an error
  int64_t num_frames = 16;
  int64_t frame_interval = 2;      // ignored with keypoints: clips then span the whole sample
  int64_t max_video_frames = 500;  // clips are drawn from the first frames of a sample, up to this
  Sampling sampling = Sampling::kShuffle;
  AugmentOptions augment;
  uint64_t seed = 0;
  // true: one random, augmented clip per sample, in the order of `sampling`.
  // false: num_clips evenly spaced clips per sample, in stored order, centre crop.
  bool training = true;
  int64_t num_clips = 1;     // evaluation only
  int64_t batch_size = 8;    // samples of one Batch (training: the effective batch of this rank)
  int num_workers = 2;       // threads; 0: Next loads in its caller's thread
  int prefetch_batches = 2;  // upper bound of batches ahead, over all workers
  // Upper bound of the bytes of batches ahead. One batch is always allowed. 0: no such bound.
  int64_t queue_budget_bytes = 0;
  // Next returns inputs in page-locked memory, from which an accelerator copies while it
  // computes. Needs a build for an accelerator.
  bool pin_memory = false;
  // Only "synthetic:N" reads it: labels are 0 to num_classes - 1. Without it only token labels
  // can be made up.
  std::optional<int64_t> num_classes;

  // Checks what can be checked without the data. InvalidArgument lists all mistakes.
  // Unimplemented: an augmentation that is not yet available.
  absl::Status Validate() const;
};

// Where the next batch starts. A checkpoint stores it.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t next_sample = 0;  // place in the epoch's order
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

}  // namespace slimreel

#endif  // DATA_LOADING_LOADER_OPTIONS_H_
