// The loader: shards (or synthetic samples) in, effective batches out, in an
// order that is a function of (seed, epoch) alone. The same batches for any
// number of workers, and exactly resumable in the middle of an epoch.
//
// Who calls it: the trainer, evaluate, the benchmarks.
// Threading: Next/Seek/position from one thread; workers are the loader's own.
#ifndef DATA_LOADING_LOADER_H_
#define DATA_LOADING_LOADER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/loading/batch.h"

namespace slimreel {

struct AugmentOptions {
  bool random_crop = false;  // else centre crop
  bool flip = false;         // horizontal, half of the clips
  bool color_jitter = false;
};

enum class Sampling { kShuffle, kClassBalanced, kSequential };

struct LoaderOptions {
  std::vector<std::string> sources;  // shard folders, or one "synthetic:N"
  std::string split = "train";       // train-*, val-*, test-*; the only split where there is one
  int64_t height = 112;              // of the clip fed to the model
  int64_t width = 112;
  bool allow_upscale = false;  // else frames smaller than the crop are an error naming both
  int64_t num_frames = 16;
  int64_t frame_interval = 2;
  int64_t max_video_frames = 500;  // frames of a sample that clips are drawn from
  Sampling sampling = Sampling::kShuffle;
  AugmentOptions augment;
  uint64_t seed = 0;
  bool training = true;     // one random clip a sample, shuffled; else num_clips uniform clips, in order
  int64_t num_clips = 1;    // evaluation only
  int64_t batch_size = 8;   // samples of one Batch (training: the effective batch of this rank)
  int num_workers = 2;      // 0: in the calling thread
  int prefetch_batches = 2; // ahead in all
  int64_t queue_budget_bytes = 0;  // bound of prefetched bytes; 0: prefetch_batches alone bounds
  bool pin_memory = false;
  int64_t num_classes = 0;         // synthetic: labels are 0..num_classes-1
};

// Where the next batch starts; what a checkpoint stores.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t next_sample = 0;  // in the epoch's order
  friend bool operator==(const LoaderPosition&, const LoaderPosition&) = default;
};

class Loader {
 public:
  virtual ~Loader() = default;

  // Opens every shard, checks the format and the frame sizes. Errors:
  // NotFound (no shards), DataLoss (damaged), InvalidArgument (options against data).
  static absl::StatusOr<std::unique_ptr<Loader>> Open(const LoaderOptions& options);

  // The next batch; training goes on into the next epoch without end,
  // evaluation ends with OutOfRange. DataLoss names the damaged shard.
  virtual absl::StatusOr<Batch> Next() = 0;
  virtual void Seek(const LoaderPosition& position) = 0;
  virtual LoaderPosition position() const = 0;  // of the batch that Next returns next

  virtual int64_t samples_per_epoch() const = 0;  // clips in evaluation
  virtual int64_t batches_per_epoch() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  // By Batch::videos: the source path of each video.
  virtual const std::vector<std::string>& videos() const = 0;
  virtual int64_t buffer_bytes() const = 0;  // host memory of buffers, in use and free
};

}  // namespace slimreel

#endif  // DATA_LOADING_LOADER_H_
