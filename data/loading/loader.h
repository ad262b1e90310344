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
#include "data/loading/loader_options.h"

namespace slimreel {

class Loader {
 public:
  virtual ~Loader() = default;

  // Opens every shard, checks the format and the frame sizes. Errors:
  // NotFound (no shards), DataLoss (damaged), InvalidArgument (options against data).
  static absl::StatusOr<std::unique_ptr<Loader>> Open(const LoaderOptions& options);

  // What classes() of a loader of these options will be, without reading a sample: models
  // are built, and inputs asked for, by it. Errors as Open.
  static absl::StatusOr<std::vector<std::string>> ReadClasses(const LoaderOptions& options);

  // The next batch; training goes on into the next epoch without end,
  // evaluation ends with OutOfRange. DataLoss names the damaged shard. Cancelled: a stop was
  // asked for (base/stop_signal.h) before the batch was whole; the position stays.
  virtual absl::StatusOr<Batch> Next() = 0;
  virtual void Seek(const LoaderPosition& position) = 0;
  virtual LoaderPosition position() const = 0;  // of the batch that Next returns next
  // Batches from now on have at most `batch_size` samples, at least 1. The position stays, and so
  // does each sample's content; what was loaded ahead is dropped.
  virtual void SetBatchSize(int64_t batch_size) = 0;

  virtual int64_t samples_per_epoch() const = 0;  // clips in evaluation
  virtual int64_t batches_per_epoch() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  // By Batch::videos: the source path of each video.
  virtual const std::vector<std::string>& videos() const = 0;
  // By Batch::samples: equal content has equal numbers (ShardDataset::ContentId). Empty: the
  // samples are made up.
  virtual std::vector<uint64_t> ContentIds() const = 0;
  // As above, of the videos that the samples were made of (ShardDataset::SourceId).
  virtual std::vector<uint64_t> SourceIds() const = 0;
  virtual int64_t video_of(int64_t sample) const = 0;
  virtual int64_t buffer_bytes() const = 0;  // host memory of buffers, in use and free
};

}  // namespace slimreel

#endif  // DATA_LOADING_LOADER_H_
