#include "data/loading/loader.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "data/loading/batch_builder.h"
#include "data/loading/prefetch_queue.h"
#include "data/loading/shard_source.h"
#include "data/loading/synthetic_source.h"

namespace slimreel {
namespace {

class BuilderLoader : public Loader {
 public:
  BuilderLoader(const LoaderOptions& options, std::unique_ptr<BatchBuilder> builder)
      : options_(options), builder_(std::move(builder)) {}

  absl::StatusOr<Batch> Next() override;
  void Seek(const LoaderPosition& position) override;
  LoaderPosition position() const override { return builder_->Advance(start_, taken_); }

  int64_t samples_per_epoch() const override { return builder_->clips_per_epoch(); }
  int64_t batches_per_epoch() const override {
    return (samples_per_epoch() + options_.batch_size - 1) / options_.batch_size;
  }
  const std::vector<std::string>& classes() const override { return builder_->source().classes(); }
  const std::vector<std::string>& videos() const override { return builder_->source().videos(); }
  int64_t buffer_bytes() const override { return builder_->pool_bytes(); }

 private:
  void StartQueue();
  Batch ToTensors(RawBatch raw) const;

  const LoaderOptions options_;
  const std::unique_ptr<BatchBuilder> builder_;
  LoaderPosition start_;  // of the queue's item 0
  int64_t taken_ = 0;     // items since
  // Made by the first Next, so that a Seek after Open wastes nothing. Last: its threads use the
  // builder.
  std::unique_ptr<PrefetchQueue<RawBatch>> queue_;
};

void BuilderLoader::StartQueue() {
  PrefetchOptions prefetch;
  prefetch.num_workers = options_.num_workers;
  prefetch.max_ahead = options_.prefetch_batches;
  prefetch.item_bytes = builder_->batch_bytes();
  prefetch.max_bytes = options_.queue_budget_bytes;
  prefetch.num_items = -1;
  if (!options_.training) {
    const int64_t left = std::max<int64_t>(0, samples_per_epoch() - start_.next_sample);
    prefetch.num_items =
        start_.epoch > 0 ? 0 : (left + options_.batch_size - 1) / options_.batch_size;
  }
  queue_ = std::make_unique<PrefetchQueue<RawBatch>>(
      prefetch, [builder = builder_.get(), start = start_](int64_t number) {
        return builder->Build(builder->Advance(start, number));
      });
}

absl::StatusOr<Batch> BuilderLoader::Next() {
  if (!queue_) StartQueue();
  SLIMREEL_ASSIGN_OR_RETURN(RawBatch raw, queue_->Next());
  ++taken_;
  return ToTensors(std::move(raw));
}

void BuilderLoader::Seek(const LoaderPosition& position) {
  queue_.reset();
  taken_ = 0;
  start_ = position;
  if (start_.next_sample >= samples_per_epoch()) start_ = {position.epoch + 1, 0};
}

Batch BuilderLoader::ToTensors(RawBatch raw) const {
  const int64_t size = static_cast<int64_t>(raw.samples.size());
  Batch batch;
  // The deleter's copy of the pointer is what holds the buffer.
  uint8_t* pixels = raw.pixels.get();
  batch.clips = at::from_blob(
      pixels, {size, 3, options_.num_frames, options_.height, options_.width},
      [buffer = std::move(raw.pixels)](void*) mutable { buffer.reset(); },
      at::TensorOptions().dtype(at::kByte));
  batch.labels = at::empty({size}, at::TensorOptions().dtype(at::kLong));
  std::copy(raw.labels.begin(), raw.labels.end(), batch.labels.mutable_data_ptr<int64_t>());
  batch.samples = std::move(raw.samples);
  batch.clip_numbers = std::move(raw.clip_numbers);
  batch.videos = std::move(raw.videos);
  batch.epoch = raw.position.epoch;
  batch.first_sample = raw.position.next_sample;
  batch.last_of_epoch = raw.last_of_epoch;
  return batch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Loader>> Loader::Open(const LoaderOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(options.Validate());
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<ClipSource> source,
                            IsSyntheticSource(options.sources[0]) ? OpenSyntheticSource(options)
                                                                  : OpenShardSource(options));
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<BatchBuilder> builder,
                            BatchBuilder::Create(options, std::move(source)));
  return std::make_unique<BuilderLoader>(options, std::move(builder));
}

}  // namespace slimreel
