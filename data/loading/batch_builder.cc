#include "data/loading/batch_builder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/counter_random.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/loading/clip_sampler.h"

namespace slimreel {
namespace {

// One key per use of random bits, so that no two uses draw the same bits.
constexpr uint64_t kStartDraw = 0x7374617274;
constexpr uint64_t kTopDraw = 0x746f70;
constexpr uint64_t kLeftDraw = 0x6c656674;
constexpr uint64_t kFlipDraw = 0x666c6970;
constexpr uint64_t kPoseDraw = 0x706f7365;

absl::Status CheckFrames(const LoaderOptions& options, const ClipSource& source) {
  for (int64_t i = 0; i < source.num_samples(); ++i) {
    const ClipInfo info = source.info(i);
    const std::string& video = source.videos()[info.video];
    if (info.num_frames < 1 || info.size.height < 1 || info.size.width < 1) {
      return absl::DataLossError(absl::StrCat("a sample of ", video, " in ", options.sources[0],
                                              " has no frames; prepare the folder again"));
    }
    if (options.frames && !options.allow_upscale &&
        (info.size.height < options.height || info.size.width < options.width)) {
      return absl::InvalidArgumentError(
          absl::StrCat("data.img_size asks for ", options.height, "x", options.width,
                       " (height x width), but the stored frames of ", video, " are ",
                       info.size.height, "x", info.size.width,
                       ": prepare with a larger data.short_side, lower data.img_size, or set "
                       "data.allow_upscale=true"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

BatchBuilder::BatchBuilder(const LoaderOptions& options, std::unique_ptr<ClipSource> source,
                           SampleOrder order)
    : options_(options),
      source_(std::move(source)),
      order_(std::move(order)),
      sample_bytes_(SampleBytesOf(options)),
      layout_(BatchLayoutOf(options, std::min(options.batch_size, clips_per_epoch()))),
      pool_(BufferPool::Create(layout_.bytes)) {}

absl::StatusOr<std::unique_ptr<BatchBuilder>> BatchBuilder::Create(
    const LoaderOptions& options, std::unique_ptr<ClipSource> source) {
  SLIMREEL_RETURN_IF_ERROR(CheckFrames(options, *source));
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < source->num_samples(); ++i) labels.push_back(source->info(i).label);
  const Sampling sampling = options.training ? options.sampling : Sampling::kSequential;
  SLIMREEL_ASSIGN_OR_RETURN(SampleOrder order, SampleOrder::Create(sampling, options.seed,
                                                                   source->num_samples(), labels));
  return std::unique_ptr<BatchBuilder>(
      new BatchBuilder(options, std::move(source), std::move(order)));
}

void BatchBuilder::SetBatchSize(int64_t batch_size) {
  options_.batch_size = batch_size;
  layout_ = BatchLayoutOf(options_, std::min(batch_size, clips_per_epoch()));
  pool_ = BufferPool::Create(layout_.bytes);
}

int64_t BatchBuilder::clips_per_epoch() const {
  return source_->num_samples() * (options_.training ? 1 : options_.num_clips);
}

LoaderPosition BatchBuilder::Advance(const LoaderPosition& from, int64_t batches) const {
  const auto batches_in = [this](int64_t clips) {
    return (clips + options_.batch_size - 1) / options_.batch_size;
  };
  const int64_t left = batches_in(clips_per_epoch() - from.next_sample);
  if (batches < left) return {from.epoch, from.next_sample + batches * options_.batch_size};
  const int64_t per_epoch = batches_in(clips_per_epoch());
  return {from.epoch + 1 + (batches - left) / per_epoch,
          (batches - left) % per_epoch * options_.batch_size};
}

ClipRequest BatchBuilder::Plan(int64_t epoch, int64_t place, RawBatch* batch) const {
  const int64_t num_clips = options_.training ? 1 : options_.num_clips;
  const OrderEntry entry = order_.At(epoch, place / num_clips);
  const int64_t clip_number = place % num_clips;
  const ClipInfo info = source_->info(entry.sample);
  ClipRequest request;
  request.sample = entry.sample;
  if (options_.training) {
    PlanTraining(epoch, entry, &request);
  } else {
    PlanEvaluation(clip_number, &request);
  }
  request.pose.follow_crop = options_.frames;
  if (options_.tokens.length == 0) batch->labels.push_back(info.label);
  batch->samples.push_back(entry.sample);
  batch->clip_numbers.push_back(clip_number);
  batch->videos.push_back(info.video);
  return request;
}

void BatchBuilder::PlanTraining(int64_t epoch, const OrderEntry& entry,
                                ClipRequest* request) const {
  const ClipInfo info = source_->info(entry.sample);
  const int64_t available = std::min(info.num_frames, options_.max_video_frames);
  const FrameSize size{.width = options_.width, .height = options_.height};
  const auto bits = [&](uint64_t purpose) {
    return CounterBits({options_.seed, static_cast<uint64_t>(epoch),
                        static_cast<uint64_t>(entry.sample),
                        static_cast<uint64_t>(entry.repetition), purpose});
  };
  const bool random_crop = options_.augment.random_crop;
  if (options_.frames) {
    request->frames = options_.keypoints.persons > 0
                          ? RandomSegments(options_.num_frames, available, bits(kStartDraw))
                          : RandomClip({options_.num_frames, options_.frame_interval}, available,
                                       bits(kStartDraw));
    request->crop = random_crop ? RandomCrop(info.size, size, bits(kTopDraw), bits(kLeftDraw))
                                : CentreCrop(info.size, size);
  }
  if (options_.keypoints.persons > 0) {
    PoseRequest& pose = request->pose;
    pose.frames = RandomSegments(options_.keypoints.frames, available, bits(kPoseDraw));
    pose.random_window = random_crop && !options_.frames;
    pose.top_bits = bits(kTopDraw);
    pose.left_bits = bits(kLeftDraw);
  }
  request->crop.flip = options_.augment.flip && bits(kFlipDraw) % 2 == 1;
}

void BatchBuilder::PlanEvaluation(int64_t clip_number, ClipRequest* request) const {
  const ClipInfo info = source_->info(request->sample);
  const int64_t available = std::min(info.num_frames, options_.max_video_frames);
  const bool with_keypoints = options_.keypoints.persons > 0;
  if (options_.frames) {
    request->frames = with_keypoints ? FixedSegments(options_.num_frames, available, clip_number,
                                                     options_.num_clips)
                                     : UniformClip({options_.num_frames, options_.frame_interval},
                                                   available, clip_number, options_.num_clips);
    request->crop = CentreCrop(info.size, {.width = options_.width, .height = options_.height});
  }
  if (with_keypoints) {
    request->pose.frames =
        FixedSegments(options_.keypoints.frames, available, clip_number, options_.num_clips);
  }
}

absl::Status BatchBuilder::Read(const ClipRequest& request, int64_t b, RawBatch* batch) const {
  uint8_t* const buffer = batch->buffer.get();
  if (sample_bytes_.clip > 0) {
    SLIMREEL_RETURN_IF_ERROR(
        source_->ReadClip(request, buffer + layout_.clips + b * sample_bytes_.clip));
  }
  if (sample_bytes_.keypoints > 0) {
    uint8_t* const keypoints = buffer + layout_.keypoints + b * sample_bytes_.keypoints;
    SLIMREEL_RETURN_IF_ERROR(source_->ReadKeypoints(request, reinterpret_cast<float*>(keypoints)));
  }
  if (sample_bytes_.log_mel > 0) {
    uint8_t* const log_mel = buffer + layout_.log_mel + b * sample_bytes_.log_mel;
    SLIMREEL_RETURN_IF_ERROR(
        source_->ReadLogMel(request.sample, reinterpret_cast<float*>(log_mel)));
  }
  if (sample_bytes_.tokens > 0) {
    uint8_t* const tokens = buffer + layout_.tokens + b * sample_bytes_.tokens;
    SLIMREEL_RETURN_IF_ERROR(source_->ReadTokens(request.sample, reinterpret_cast<int64_t*>(tokens),
                                                 &batch->labels[b * options_.tokens.length]));
  }
  return absl::OkStatus();
}

absl::StatusOr<RawBatch> BatchBuilder::Build(const LoaderPosition& position) const {
  const int64_t end = std::min(position.next_sample + options_.batch_size, clips_per_epoch());
  RawBatch batch;
  batch.position = position;
  batch.last_of_epoch = end == clips_per_epoch();
  std::vector<ClipRequest> requests;
  for (int64_t place = position.next_sample; place < end; ++place) {
    requests.push_back(Plan(position.epoch, place, &batch));
    source_->Prefetch(requests.back());
  }
  if (options_.tokens.length > 0) batch.labels.resize(requests.size() * options_.tokens.length);
  SLIMREEL_ASSIGN_OR_RETURN(batch.buffer, pool_->Acquire());
  for (size_t b = 0; b < requests.size(); ++b) {
    if (StopRequested()) return StoppedError("stopped by a signal while loading a batch");
    SLIMREEL_RETURN_IF_ERROR(Read(requests[b], static_cast<int64_t>(b), &batch));
  }
  return batch;
}

}  // namespace slimreel
