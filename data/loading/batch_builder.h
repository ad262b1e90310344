// Makes the batch at a position: which samples, which frames, which crop, and
// their inputs. A function of the options and the position; torch-free.
//
// Who calls it: the loader's workers. Threading: const, any thread at once.
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
  std::shared_ptr<uint8_t> buffer;  // of the pool: inputs as BatchBuilder::layout() says
  std::vector<int64_t> labels;      // [B]; with tokens [B, length]
  std::vector<int64_t> samples;
  std::vector<int64_t> clip_numbers;
  std::vector<int64_t> videos;
  LoaderPosition position;
  bool last_of_epoch = false;
};

class BatchBuilder {
 public:
  // Checks the frame sizes against the crop: InvalidArgument naming both.
  static absl::StatusOr<std::unique_ptr<BatchBuilder>> Create(const LoaderOptions& options,
                                                              std::unique_ptr<ClipSource> source);

  int64_t clips_per_epoch() const;
  // The position `batches` full batches (the last of an epoch is short) after `from`.
  LoaderPosition Advance(const LoaderPosition& from, int64_t batches) const;
  const BatchLayout& layout() const { return layout_; }  // of every batch, short ones too
  int64_t pool_bytes() const { return pool_->allocated_bytes(); }
  const ClipSource& source() const { return *source_; }

  // Batches from now on have at most `batch_size` samples; no Build may be under way.
  void SetBatchSize(int64_t batch_size);

  // `position.next_sample` in [0, clips_per_epoch()). Cancelled: a stop was asked for, which is
  // looked at before each sample.
  absl::StatusOr<RawBatch> Build(const LoaderPosition& position) const;

 private:
  BatchBuilder(const LoaderOptions& options, std::unique_ptr<ClipSource> source, SampleOrder order);

  // What the clip at a place of the epoch's order is; appends to the batch's lists.
  ClipRequest Plan(int64_t epoch, int64_t place, RawBatch* batch) const;
  // Fills in frames, crop and keypoints; `entry` and `epoch` key the random draws.
  void PlanTraining(int64_t epoch, const OrderEntry& entry, ClipRequest* request) const;
  void PlanEvaluation(int64_t clip_number, ClipRequest* request) const;
  // Sample `b` of the batch.
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
