// The loader: it turns shards (or synthetic samples) into batches. Only (seed,
// epoch) decides their order. Batches are the same for any number of workers, and
// a run resumes exactly in the middle of an epoch.
//
// Threading: call it from one thread, LimitPrefetch from any. The loader owns its worker threads.
// Ownership: a Batch may outlive its loader.
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

  // Opens every shard and checks its format and frame sizes. NotFound: there are no shards.
  // DataLoss: a shard is damaged. InvalidArgument: the options do not fit the data.
  static absl::StatusOr<std::unique_ptr<Loader>> Open(const LoaderOptions& options);

  // What classes() of a loader with these options returns. Reads no samples: a model can be built
  // before its loader is opened. Errors as Open.
  static absl::StatusOr<std::vector<std::string>> ReadClasses(const LoaderOptions& options);

  // Returns the next batch. In training it starts a new epoch after each; in evaluation the end
  // of the data is OutOfRange. DataLoss names the damaged shard. Cancelled: a stop was requested
  // (base/stop_signal.h) before the batch was complete; the position stays.
  virtual absl::StatusOr<Batch> Next() = 0;
  virtual void Seek(const LoaderPosition& position) = 0;
  virtual LoaderPosition position() const = 0;  // of the batch that Next returns next
  // From now on a batch has at most `batch_size` (>= 1) samples. The position and the content of
  // each sample stay. Batches that were loaded ahead are dropped.
  virtual void SetBatchSize(int64_t batch_size) = 0;
  // From now on at most `batches` (>= 1) are loaded ahead, and never more than the options allow.
  // Batches beyond that are dropped and loaded again later. Returns the bytes of buffers given
  // back to the system. The batches that Next returns stay the same.
  virtual int64_t LimitPrefetch(int64_t /*batches*/) { return 0; }
  virtual int64_t batch_size() const = 0;

  virtual int64_t samples_per_epoch() const = 0;  // clips in evaluation
  virtual int64_t batches_per_epoch() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  // Source path of each video, indexed by Batch::videos.
  virtual const std::vector<std::string>& videos() const = 0;
  // ID of each sample, indexed by Batch::samples: samples of equal content have equal IDs
  // (ShardDataset::ContentId). Empty for synthetic samples.
  virtual std::vector<uint64_t> ContentIds() const = 0;
  // ID of the video that each sample was made of (ShardDataset::SourceId). Empty as above.
  virtual std::vector<uint64_t> SourceIds() const = 0;
  virtual int64_t video_of(int64_t sample) const = 0;
  virtual int64_t buffer_bytes() const = 0;  // host memory of all batch buffers, free ones too
};

}  // namespace slimreel

#endif  // DATA_LOADING_LOADER_H_
