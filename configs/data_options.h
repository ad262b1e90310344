// Options of the sections `data` and `dataloader`. They need neither torch nor FFmpeg.
//
// A field has the name of the last part of its key. configs/data_keys.cc reads and prints the
// fields. The comment of an optional says what `none` means.
#ifndef CONFIGS_DATA_OPTIONS_H_
#define CONFIGS_DATA_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace slimreel {

enum class FrameCodec { kRaw, kJpeg };
enum class PreprocessDevice { kAuto, kCpu, kGpu };
enum class Sampling { kShuffle, kClassBalanced, kSequential };  // order of training samples

// data.augment. The presets are none, light (random_crop) and standard (random_crop and
// color_jitter). No preset flips, because a flip turns left into right.
struct AugmentOptions {
  bool random_crop = false;   // false: the crop at the centre
  bool flip = false;          // mirrors half of the clips left to right
  bool color_jitter = false;  // not yet available; costs a float copy of the clip and time
  bool spec_augment = false;  // not yet available; masks parts of the log-mel spectrogram
  friend bool operator==(const AugmentOptions&, const AugmentOptions&) = default;
};

struct HeatmapOptions {
  double sigma = 0.6;  // of the Gaussian, in heatmap pixels; 0.01..100
  // Height and width; 8..1024; bytes grow with its square. none: 56, or a quarter of img_size for
  // models that also take frames, so that the features of both streams have one grid.
  std::optional<int64_t> size;
  bool with_limb = false;  // limbs in addition to joints; one more channel per limb
  friend bool operator==(const HeatmapOptions&, const HeatmapOptions&) = default;
};

struct AudioOptions {
  int64_t sample_rate = 16000;   // Hz; 8000..48000
  double window_seconds = 30.0;  // 0.1..60
  int64_t num_mels = 80;         // 1..512
  friend bool operator==(const AudioOptions&, const AudioOptions&) = default;
};

struct DataOptions {
  // Shard folders, or only "synthetic:N".
  std::vector<std::string> train;
  std::vector<std::string> val;
  std::vector<std::string> test;
  // Samples per forward pass on one device (micro-batch); >= 1. Activation
  // memory grows in proportion.
  int64_t batch_size = 8;
  std::optional<int64_t> eval_batch_size;  // none: batch_size; evaluation keeps no graph
  // none: what the model needs. Other inputs are neither read nor decoded. In prepare, none stores
  // frames, and keypoints of videos that have them. With load_kpt true prepare rejects videos
  // without keypoints; with load_rgb false it stores only keypoints (it decodes frames to count
  // them).
  std::optional<bool> load_rgb;
  std::optional<bool> load_kpt;
  std::optional<bool> load_audio;
  // The crop that the model gets, in pixels; 8..4096. Memory and time grow with the area.
  int64_t img_height = 112;
  int64_t img_width = 112;
  bool allow_upscale = false;  // false: frames smaller than the crop are an error
  // Shorter side of stored frames (prepare); none: round(min(img_size) * 8/7). 8..8192.
  std::optional<int64_t> short_side;
  bool native_size = false;  // short_side: native: frames are stored as decoded
  // Frames per clip (1..1024), and the step from one to the next (1..1000 stored frames; unused
  // for models that also take keypoints, whose clips span the whole sample).
  int64_t num_frames = 16;
  int64_t frame_interval = 2;
  std::optional<double> fps;  // of stored videos; none: native; 0.01..1000
  // In prepare: longest chunk. In training: first frames of a sample that clips are taken from.
  // At least 1.
  int64_t max_video_frames = 500;
  int64_t chunk_overlap = 0;  // frames that neighbouring chunks share; 0..max_video_frames - 1
  // In prepare: if a video has other chunks, a shorter rest is left out and counted. 1 to
  // max_video_frames. none: num_frames, or max_video_frames if that is less.
  std::optional<int64_t> min_chunk_frames;
  FrameCodec frame_codec = FrameCodec::kRaw;
  int64_t jpeg_quality = 90;       // 1..100
  double quality_threshold = 0.0;  // 0..1; prepare leaves out frames of lower quality
  AugmentOptions augment;
  PreprocessDevice preprocess_device = PreprocessDevice::kAuto;
  bool enable_cache = true;  // cache of decoded frames, freed first when memory is short
  ByteSpec cache_budget{.bytes = 0, .percent = 10.0};  // a share is of the host's ceiling
  int64_t shard_size = int64_t{128} << 20;  // bytes after which a new shard starts; >= 64KiB
  Sampling sampling = Sampling::kShuffle;
  HeatmapOptions heatmap;
  AudioOptions audio;

  int64_t ResolvedEvalBatchSize() const { return eval_batch_size.value_or(batch_size); }
  // In pixels; 0: frames are stored as decoded.
  int64_t ResolvedShortSide() const;
  int64_t ResolvedMinChunkFrames() const;
  // Checks keys against each other. InvalidArgument names the keys.
  absl::Status Validate() const;
  friend bool operator==(const DataOptions&, const DataOptions&) = default;
};

// In all of these none is `auto`.
struct DataloaderOptions {
  std::optional<int64_t> num_workers;  // threads; 0 (loads in the caller's thread)..256
  // Batches that each worker loads ahead; 1..1024. Each costs one uint8 batch of host memory.
  std::optional<int64_t> prefetch_factor;
  std::optional<bool> pin_memory;          // page-locked host memory, which cannot be swapped
  std::optional<bool> persistent_workers;  // keeps threads and file mappings between epochs
  friend bool operator==(const DataloaderOptions&, const DataloaderOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_DATA_OPTIONS_H_
