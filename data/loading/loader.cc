#include "data/loading/loader.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "data/loading/batch_builder.h"
#include "data/loading/buffer_pool.h"
#include "data/loading/prefetch_queue.h"
#include "data/loading/shard_source.h"
#include "data/loading/synthetic_source.h"

namespace slimreel {
namespace {

// Copies the labels. Like the buffers, the copy is not an ATen allocation: an ATen allocation may
// throw the device budget's exception, which only the training step handles.
at::Tensor LabelTensor(const std::vector<int64_t>& labels, const std::vector<int64_t>& sizes) {
  constexpr std::align_val_t kAlignment{BufferPool::kAlignmentBytes};
  void* const data = ::operator new(labels.size() * sizeof(int64_t), kAlignment);
  std::copy(labels.begin(), labels.end(), static_cast<int64_t*>(data));
  return at::from_blob(
      data, sizes, [](void* memory) { ::operator delete(memory, kAlignment); },
      at::TensorOptions().dtype(at::kLong));
}

class BuilderLoader : public Loader {
 public:
  BuilderLoader(const LoaderOptions& options, std::unique_ptr<BatchBuilder> builder)
      : options_(options), builder_(std::move(builder)) {}

  absl::StatusOr<Batch> Next() override;
  void Seek(const LoaderPosition& position) override;
  LoaderPosition position() const override { return builder_->Advance(start_, taken_); }

  void SetBatchSize(int64_t batch_size) override;
  int64_t LimitPrefetch(int64_t batches) override;
  int64_t batch_size() const override { return options_.batch_size; }

  int64_t samples_per_epoch() const override { return builder_->clips_per_epoch(); }
  int64_t batches_per_epoch() const override {
    return (samples_per_epoch() + options_.batch_size - 1) / options_.batch_size;
  }
  const std::vector<std::string>& classes() const override { return builder_->source().classes(); }
  const std::vector<std::string>& videos() const override { return builder_->source().videos(); }
  std::vector<uint64_t> ContentIds() const override;
  std::vector<uint64_t> SourceIds() const override;
  int64_t video_of(int64_t sample) const override { return builder_->source().info(sample).video; }
  int64_t buffer_bytes() const override { return builder_->pool_bytes(); }

 private:
  void StartQueue();
  at::Tensor Input(const RawBatch& raw, int64_t offset, std::vector<int64_t> sizes,
                   at::ScalarType type) const;
  Batch ToTensors(RawBatch raw) const;

  LoaderOptions options_;
  // Guards which queue and which pool there are, for LimitPrefetch. The loader's own thread, which
  // is the only one that changes them, reads them without it.
  std::mutex limit_mutex_;
  int64_t prefetch_limit_ = std::numeric_limits<int64_t>::max();  // guarded by limit_mutex_
  const std::unique_ptr<BatchBuilder> builder_;
  LoaderPosition start_;  // of the queue's item 0
  int64_t taken_ = 0;     // items taken from the queue
  // The first Next makes it, so that a Seek after Open wastes no work. Declared last: its threads
  // use the builder, so it must be destroyed first.
  std::unique_ptr<PrefetchQueue<RawBatch>> queue_;
};

void BuilderLoader::StartQueue() {
  PrefetchOptions prefetch;
  prefetch.num_workers = options_.num_workers;
  prefetch.max_ahead = options_.prefetch_batches;
  prefetch.item_bytes = builder_->layout().bytes;
  prefetch.max_bytes = options_.queue_budget_bytes;
  prefetch.num_items = -1;
  if (!options_.training) {
    const int64_t left = std::max<int64_t>(0, samples_per_epoch() - start_.next_sample);
    prefetch.num_items =
        start_.epoch > 0 ? 0 : (left + options_.batch_size - 1) / options_.batch_size;
  }
  const std::lock_guard<std::mutex> lock(limit_mutex_);
  queue_ = std::make_unique<PrefetchQueue<RawBatch>>(
      prefetch, [builder = builder_.get(), start = start_](int64_t number) {
        return builder->Build(builder->Advance(start, number));
      });
  queue_->SetLimit(prefetch_limit_);
}

absl::StatusOr<Batch> BuilderLoader::Next() {
  if (!queue_) StartQueue();
  SLIMREEL_ASSIGN_OR_RETURN(RawBatch raw, queue_->Next());
  ++taken_;
  return ToTensors(std::move(raw));
}

void BuilderLoader::Seek(const LoaderPosition& position) {
  {
    const std::lock_guard<std::mutex> lock(limit_mutex_);
    queue_.reset();
  }
  taken_ = 0;
  start_ = position;
  if (start_.next_sample >= samples_per_epoch()) start_ = {position.epoch + 1, 0};
}

void BuilderLoader::SetBatchSize(int64_t batch_size) {
  Seek(position());  // stops the workers
  options_.batch_size = batch_size;
  const std::lock_guard<std::mutex> lock(limit_mutex_);
  builder_->SetBatchSize(batch_size);
}

int64_t BuilderLoader::LimitPrefetch(int64_t batches) {
  const std::lock_guard<std::mutex> lock(limit_mutex_);
  prefetch_limit_ = batches;
  if (queue_) queue_->SetLimit(batches);
  return builder_->TrimPool();
}

std::vector<uint64_t> BuilderLoader::ContentIds() const {
  const ClipSource& source = builder_->source();
  std::vector<uint64_t> ids;
  for (int64_t sample = 0; sample < source.num_samples(); ++sample) {
    const std::optional<uint64_t> id = source.content_id(sample);
    if (id.has_value()) ids.push_back(*id);
  }
  return ids;
}

std::vector<uint64_t> BuilderLoader::SourceIds() const {
  const ClipSource& source = builder_->source();
  std::vector<uint64_t> ids;
  for (int64_t sample = 0; sample < source.num_samples(); ++sample) {
    const std::optional<uint64_t> id = source.source_id(sample);
    if (id.has_value()) ids.push_back(*id);
  }
  return ids;
}

// The tensor's deleter holds a copy of the pointer and so keeps the buffer.
at::Tensor BuilderLoader::Input(const RawBatch& raw, int64_t offset, std::vector<int64_t> sizes,
                                at::ScalarType type) const {
  const at::Tensor input = at::from_blob(
      raw.buffer.get() + offset, sizes, [buffer = raw.buffer](void*) mutable { buffer.reset(); },
      at::TensorOptions().dtype(type));
  // ATen reuses a page-locked block only after pending copies from it; the pool could not know.
  return options_.pin_memory ? input.pin_memory() : input;
}

Batch BuilderLoader::ToTensors(RawBatch raw) const {
  const int64_t size = static_cast<int64_t>(raw.samples.size());
  const BatchLayout& layout = builder_->layout();
  const KeypointInput& pose = options_.keypoints;
  const LogMelInput& mel = options_.log_mel;
  const int64_t length = options_.tokens.length;
  Batch batch;
  if (options_.frames) {
    batch.clips = Input(raw, layout.clips,
                        {size, 3, options_.num_frames, options_.height, options_.width}, at::kByte);
  }
  if (pose.persons > 0) {
    batch.keypoints =
        Input(raw, layout.keypoints, {size, pose.persons, pose.frames, pose.joints, 3}, at::kFloat);
  }
  if (mel.mels > 0) {
    batch.log_mel = Input(raw, layout.log_mel, {size, mel.mels, mel.frames}, at::kFloat);
  }
  if (length > 0) batch.tokens = Input(raw, layout.tokens, {size, length}, at::kLong);
  const std::vector<int64_t> label_sizes =
      length > 0 ? std::vector<int64_t>{size, length} : std::vector<int64_t>{size};
  batch.labels = LabelTensor(raw.labels, label_sizes);
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

absl::StatusOr<std::vector<std::string>> Loader::ReadClasses(const LoaderOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(options.Validate());
  if (IsSyntheticSource(options.sources[0])) {
    return SyntheticClasses(options.num_classes.value_or(0));
  }
  return ReadShardClasses(options);
}

}  // namespace slimreel
