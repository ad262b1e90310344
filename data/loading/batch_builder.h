// Builds the batch at a position: it chooses samples, frames and crops, and reads
// their inputs into one buffer. The result depends only on the options and the
// position. Free of torch.
//
// Threading: const methods from any number of threads at once.
#ifndef DATA_LOADING_BATCH_BUILDER_H_
#define DATA_LOADING_BATCH_BUILDER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/batch_layout.h"
#include "data/loading/buffer_pool.h"
#include "data/loading/clip_source.h"
#include "data/loading/loader_options.h"
#include "data/loading/order.h"

namespace slimreel {

// A Batch (batch.h) before it becomes tensors.
struct RawBatch {
  std::shared_ptr<uint8_t> buffer;  // from the pool; BatchBuilder::layout() gives the offsets
  std::vector<int64_t> labels;      // [B]; with tokens [B, length]
  std::vector<int64_t> samples;
  std::vector<int64_t> clip_numbers;
  std::vector<int64_t> videos;
  LoaderPosition position;
  bool last_of_epoch = false;
};

class BatchBuilder {
 public:
  // InvalidArgument: a stored frame is smaller than the crop; the message names both sizes.
  // DataLoss: a sample has no frames.
  static absl::StatusOr<std::unique_ptr<BatchBuilder>> Create(const LoaderOptions& options,
                                                              std::unique_ptr<ClipSource> source);

  int64_t clips_per_epoch() const;
  // The position `batches` batches after `from`. The last batch of an epoch may be short.
  LoaderPosition Advance(const LoaderPosition& from, int64_t batches) const;
  const BatchLayout& layout() const { return layout_; }  // the same for short batches
  int64_t pool_bytes() const { return pool_->allocated_bytes(); }
  int64_t TrimPool() const { return pool_->Trim(); }  // returns the bytes given back
  const ClipSource& source() const { return *source_; }

  // From now on a batch has at most `batch_size` samples. No Build may be running.
  void SetBatchSize(int64_t batch_size);

  // Needs `position.next_sample` in [0, clips_per_epoch()). Cancelled: a stop was requested; this
  // is checked before each sample.
  absl::StatusOr<RawBatch> Build(const LoaderPosition& position) const;

 private:
  BatchBuilder(const LoaderOptions& options, std::unique_ptr<ClipSource> source, SampleOrder order);

  // Chooses the clip at a place of the epoch's order, and appends its label and numbers to the
  // batch.
  ClipRequest Plan(int64_t epoch, int64_t place, RawBatch* batch) const;
  // Fill in frames, crop and keypoints. In training `entry` and `epoch` key the random draws.
  void PlanTraining(int64_t epoch, const OrderEntry& entry, ClipRequest* request) const;
  void PlanEvaluation(int64_t clip_number, ClipRequest* request) const;
  // Reads the inputs of sample `b` of the batch.
  absl::Status Read(const ClipRequest& request, int64_t b, RawBatch* batch) const;

  LoaderOptions options_;
  const std::unique_ptr<ClipSource> source_;
  const SampleOrder order_;
  const SampleBytes sample_bytes_;
  BatchLayout layout_;
  std::shared_ptr<BufferPool> pool_;
};

}  // namespace slimreel

#endif  // DATA_LOADING_BATCH_BUILDER_H_
