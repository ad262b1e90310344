// What a loader is told, and where it stands. Torch-free, so that the parts of
// the loader below the tensor (and their thread sanitizer tests) share it.
#ifndef DATA_LOADING_LOADER_OPTIONS_H_
#define DATA_LOADING_LOADER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "configs/data_options.h"

namespace slimreel {

inline constexpr int64_t kCocoJoints = 17;

// Keypoints of a sample, [persons, frames, joints, 3] float32: x, y in heatmap pixels, score.
struct KeypointInput {
  int64_t persons = 0;  // at most; fewer are padded with zeros. 0: no keypoints are read
  int64_t frames = 32;
  int64_t joints = 17;
  int64_t heatmap_size = 56;  // x and y of what is seen lie in [0, heatmap_size]
};

// [mels, frames] float32.
struct LogMelInput {
  int64_t mels = 0;  // 0: none
  int64_t frames = 3000;
};

// [length] int64 of what the decoder reads and as many labels.
struct TokenInput {
  int64_t length = 0;  // 0: none
  int64_t vocabulary = 0;
};

struct LoaderOptions {
  std::vector<std::string> sources;        // shard folders, or one "synthetic:N"
  std::string sources_key = "data.train";  // the key or flag that gave them, for messages
  std::string split = "train";  // train-*, val-*, test-*; the only split where there is one
  int64_t height = 112;         // of the clip fed to the model
  int64_t width = 112;
  // What a sample holds beside its label; what is not asked for is not read.
  bool frames = true;  // [3, num_frames, height, width] uint8
  KeypointInput keypoints;
  LogMelInput log_mel;
  TokenInput tokens;
  bool allow_upscale = false;  // else frames smaller than the crop are an error naming both
  int64_t num_frames = 16;
  int64_t frame_interval = 2;      // without effect beside keypoints, which span the whole sample
  int64_t max_video_frames = 500;  // frames of a sample that clips are drawn from
  Sampling sampling = Sampling::kShuffle;
  AugmentOptions augment;
  uint64_t seed = 0;
  // true: one random clip a sample, ordered by `sampling`, augmented;
  // false: num_clips uniform clips, in order, centre crop.
  bool training = true;
  int64_t num_clips = 1;     // evaluation only
  int64_t batch_size = 8;    // samples of one Batch (training: the effective batch of this rank)
  int num_workers = 2;       // 0: in the calling thread
  int prefetch_batches = 2;  // ahead in all
  // Bound of prefetched bytes, of which one batch is always allowed; 0:
  // prefetch_batches alone bounds.
  int64_t queue_budget_bytes = 0;
  // Next hands out a page-locked copy of the clips, which an accelerator fetches while it
  // computes. Needs a build with one.
  bool pin_memory = false;
  int64_t num_classes = 0;  // synthetic: labels are 0..num_classes-1

  // All mistakes that can be seen without the data, in one InvalidArgument (Unimplemented).
  absl::Status Validate() const;
};

// Where the next batch starts; what a checkpoint stores.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t next_sample = 0;  // in the epoch's order
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

}  // namespace slimreel

#endif  // DATA_LOADING_LOADER_OPTIONS_H_
