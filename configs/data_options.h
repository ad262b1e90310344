// Options of the sections `data` and `dataloader`. Free of torch and FFmpeg.
//
// The field is the last part of the key; the table in configs/data_keys.cc reads
// and prints them. An empty optional means what its comment says.
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

// data.augment. Presets: none; light = random_crop; standard = random_crop +
// color_jitter. No preset flips: that turns left into right.
struct AugmentOptions {
  bool random_crop = false;   // else the centre crop
  bool flip = false;          // left-right, half of the clips
  bool color_jitter = false;  // not yet available; costs a float copy of the clip and time
  bool spec_augment = false;  // not yet available; masks parts of the log-mel spectrogram
  friend bool operator==(const AugmentOptions&, const AugmentOptions&) = default;
};

struct HeatmapOptions {
  double sigma = 0.6;  // of the Gaussian, in heatmap pixels; 0.01..100
  // Height and width; 8..1024; bytes grow with its square. None: 56, and beside frames a
  // quarter of img_size, so that features of both streams lie on one grid.
  std::optional<int64_t> size;
  bool with_limb = false;  // limbs beside joints; one more channel per limb
  friend bool operator==(const HeatmapOptions&, const HeatmapOptions&) = default;
};

struct AudioOptions {
  int64_t sample_rate = 16000;   // Hz; 8000..48000
  double window_seconds = 30.0;  // 0.1..60
  int64_t num_mels = 80;         // 1..512
  friend bool operator==(const AudioOptions&, const AudioOptions&) = default;
};

struct DataOptions {
  // Shard folders, or "synthetic:N" alone.
  std::vector<std::string> train;
  std::vector<std::string> val;
  std::vector<std::string> test;
  // Samples per forward pass on one device (micro-batch); >= 1. Activation
  // memory grows in proportion.
  int64_t batch_size = 8;
  std::optional<int64_t> eval_batch_size;  // none: batch_size; evaluation keeps no graph
  // none: what the model needs. What is left out is neither decoded nor read. prepare: none
  // stores frames, and keypoints where they are there; load_kpt true rejects videos without;
  // load_rgb false stores keypoints alone (frames are decoded to be counted).
  std::optional<bool> load_rgb;
  std::optional<bool> load_kpt;
  std::optional<bool> load_audio;
  // Crop fed to the model, pixels; 8..4096. Memory and time grow with the area.
  int64_t img_height = 112;
  int64_t img_width = 112;
  bool allow_upscale = false;  // else frames smaller than the crop are an error
  // Shorter side of stored frames (prepare); none: round(min(img_size) * 8/7). 8..8192.
  std::optional<int64_t> short_side;
  bool native_size = false;  // short_side: native: frames are stored as decoded
  // Frames of a clip (1..1024), distance between them (1..1000 stored frames; without effect
  // beside keypoints, where clips span the whole sample).
  int64_t num_frames = 16;
  int64_t frame_interval = 2;
  std::optional<double> fps;  // none: native; else frames per second at prepare; 0.01..1000
  // prepare: longest chunk; train: frames of a sample that clips are drawn from. >= 1.
  int64_t max_video_frames = 500;
  int64_t chunk_overlap = 0;  // frames that neighbouring chunks share; 0..max_video_frames - 1
  // prepare: a shorter rest of a video that has other chunks is counted and left out. 1 to
  // max_video_frames; none: num_frames, or max_video_frames where that is less.
  std::optional<int64_t> min_chunk_frames;
  FrameCodec frame_codec = FrameCodec::kRaw;
  int64_t jpeg_quality = 90;       // 1..100
  double quality_threshold = 0.0;  // 0..1; prepare leaves out frames under it
  AugmentOptions augment;
  PreprocessDevice preprocess_device = PreprocessDevice::kAuto;
  bool enable_cache = true;  // cache of decoded frames, dropped first under pressure
  ByteSpec cache_budget{.bytes = 0, .percent = 10.0};  // a share is one of the host ceiling
  int64_t shard_size = int64_t{128} << 20;  // bytes after which a new shard starts; >= 64KiB
  Sampling sampling = Sampling::kShuffle;
  HeatmapOptions heatmap;
  AudioOptions audio;

  int64_t ResolvedEvalBatchSize() const { return eval_batch_size.value_or(batch_size); }
  // Pixels; 0: frames are stored as decoded.
  int64_t ResolvedShortSide() const;
  int64_t ResolvedMinChunkFrames() const;
  // What no single key's bounds can say. InvalidArgument names the keys.
  absl::Status Validate() const;
  friend bool operator==(const DataOptions&, const DataOptions&) = default;
};

// none: `auto`.
struct DataloaderOptions {
  std::optional<int64_t> num_workers;  // threads; 0 (in the caller's thread)..256
  // Batches ahead per worker; 1..1024. Each costs one batch of uint8 of host memory.
  std::optional<int64_t> prefetch_factor;
  std::optional<bool> pin_memory;          // page-locked: host memory that cannot be swapped
  std::optional<bool> persistent_workers;  // keep threads and mappings between epochs
  friend bool operator==(const DataloaderOptions&, const DataloaderOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_DATA_OPTIONS_H_
