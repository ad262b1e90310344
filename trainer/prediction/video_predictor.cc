#include "trainer/prediction/video_predictor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/chunking/chunk_rule.h"
#include "data/chunking/frame_quality.h"
#include "data/decode/video_decoder.h"
#include "data/loading/clip_sampler.h"
#include "data/loading/crop.h"
#include "data/loading/planar_copy.h"
#include "memory/executor/executor.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/evaluation/metrics.h"
#include "trainer/evaluation/scores.h"

namespace slimreel {
namespace {

// Collects cropped frames and scores them chunk by chunk.
class ChunkScorer {
 public:
  ChunkScorer(const Model& model, const PredictOptions& options)
      : chain_(model.Chain()),
        options_(options),
        rule_{options.preparation.max_video_frames, options.preparation.chunk_overlap,
              options.preparation.min_chunk_frames},
        crop_size_{.width = model.clip.width, .height = model.clip.height},
        shape_{.num_frames = model.clip.num_frames, .interval = options.data.frame_interval} {
    const TagScope scope(MemoryTag::kInput);
    chunk_ = at::empty(
        {options.preparation.max_video_frames, 3, crop_size_.height, crop_size_.width}, at::kByte);
  }

  absl::Status Add(const std::string& path, const VideoDecoder& decoder) {
    const FrameSize stored = decoder.size();
    const bool small = stored.height < crop_size_.height || stored.width < crop_size_.width;
    if (small && !options_.data.allow_upscale) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": frames of ", stored.height, " x ", stored.width,
                       " are smaller than data.img_size = ", crop_size_.height, " x ",
                       crop_size_.width, "; data.allow_upscale=true enlarges them"));
    }
    rgb_.resize(static_cast<size_t>(stored.rgb_bytes()));
    decoder.CopyRgb(absl::MakeSpan(rgb_));
    ++frames_;
    const double threshold = options_.preparation.quality_threshold;
    if (threshold > 0.0 && MeasureQuality(rgb_.data(), stored).score < threshold) {
      return absl::OkStatus();
    }
    if (rule_.IsFull(filled_)) {
      ScoreChunk();
      StartFromOverlap();
    }
    const int64_t plane = crop_size_.height * crop_size_.width;
    CopyCropToPlanes(rgb_.data(), stored, CentreCrop(stored, crop_size_), plane,
                     chunk_.mutable_data_ptr<uint8_t>() + filled_ * 3 * plane);
    ++filled_;
    return absl::OkStatus();
  }

  // Call it only if has_kept_frames().
  VideoPrediction Finish() {
    if (rule_.KeepsRest(filled_, chunks_)) ScoreChunk();
    VideoPrediction prediction;
    prediction.frames = frames_;
    prediction.clips = clips_;
    prediction.logits = std::move(logits_);
    for (double& logit : prediction.logits) logit /= static_cast<double>(clips_);
    prediction.probabilities = Softmax(prediction.logits);
    prediction.label =
        std::max_element(prediction.probabilities.begin(), prediction.probabilities.end()) -
        prediction.probabilities.begin();
    return prediction;
  }

  int64_t frames() const { return frames_; }
  bool has_kept_frames() const { return filled_ > 0 || clips_ > 0; }

 private:
  void ScoreChunk() {
    ++chunks_;
    const TagScope scope(MemoryTag::kActivations);
    StageContext context;
    context.autocast = options_.autocast;
    const int64_t available = std::min(filled_, options_.data.max_video_frames);
    for (int64_t number = 0; number < options_.evaluation.num_clips && !StopRequested(); ++number) {
      const at::Tensor frames = at::tensor(
          UniformClip(shape_, available, number, options_.evaluation.num_clips), at::kLong);
      // [T, 3, H, W] -> [1, 3, T, H, W]
      const at::Tensor clip =
          chunk_.index_select(0, frames).permute({1, 0, 2, 3}).contiguous().unsqueeze(0);
      const at::Tensor row =
          HeadScores(Executor::Forward(chain_, context, {clip.to(options_.device)}));
      logits_.resize(static_cast<size_t>(row.numel()), 0.0);
      for (int64_t c = 0; c < row.numel(); ++c) logits_[c] += row.const_data_ptr<double>()[c];
      ++clips_;
    }
  }

  // Moves the frames that two chunks share to the front.
  void StartFromOverlap() {
    const int64_t overlap = rule_.overlap;
    if (overlap > 0) {
      const at::Tensor last = chunk_.narrow(0, filled_ - overlap, overlap).clone();
      chunk_.narrow(0, 0, overlap).copy_(last);
    }
    filled_ = overlap;
  }

  std::vector<Stage*> chain_;
  PredictOptions options_;
  ChunkRule rule_;
  FrameSize crop_size_;
  ClipShape shape_;
  at::Tensor chunk_;  // [chunk frames, 3, H, W] uint8; the first filled_ frames are valid
  std::vector<uint8_t> rgb_;
  std::vector<double> logits_;  // sum over clips
  int64_t filled_ = 0;
  int64_t chunks_ = 0;  // scored
  int64_t frames_ = 0;  // decoded
  int64_t clips_ = 0;
};

absl::Status Stopped(const std::string& path) {
  return StoppedError(absl::StrCat(path, ": stopped by a signal"));
}

}  // namespace

absl::Status CheckPredictable(const Model& model) {
  if (model.inputs.size() == 1 && model.inputs[0].kind == InputKind::kFrames) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat(
      "predicting with ", model.name,
      " is not yet available: it takes more than the frames of a video; evaluate it on shards"));
}

absl::StatusOr<VideoPrediction> PredictVideo(const Model& model, const std::string& path,
                                             const PredictOptions& options) {
  SLIMREEL_RETURN_IF_ERROR(CheckPredictable(model));
  VideoDecoderOptions decoder_options;
  decoder_options.sizing.short_side = static_cast<int>(options.preparation.short_side);
  decoder_options.max_decoded_frame_bytes = options.max_decoded_frame_bytes;
  decoder_options.interrupted = StopRequested;
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<VideoDecoder> decoder,
                            VideoDecoder::Open(path, decoder_options));
  ChunkScorer scorer(model, options);
  while (!StopRequested()) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, decoder->Next());
    if (!more) break;
    SLIMREEL_RETURN_IF_ERROR(scorer.Add(path, *decoder));
  }
  if (StopRequested()) return Stopped(path);
  if (scorer.frames() == 0) {
    return absl::DataLossError(absl::StrCat(path, " holds no frame that can be decoded"));
  }
  if (!scorer.has_kept_frames()) {
    return absl::DataLossError(
        absl::StrCat(path, ": every frame is below data.quality_threshold = ",
                     options.preparation.quality_threshold, ", with which the shards were made"));
  }
  VideoPrediction prediction = scorer.Finish();
  if (StopRequested()) return Stopped(path);  // during the last clips
  const std::vector<double>& logits = prediction.logits;
  if (!std::all_of(logits.begin(), logits.end(), [](double x) { return std::isfinite(x); })) {
    return absl::DataLossError(absl::StrCat(
        path,
        ": the model's scores are no numbers (NaN or infinite): its weights diverged in "
        "training; choose an earlier --checkpoint, or train with a lower train.lr"));
  }
  prediction.partial = PartialReason(decoder->stats());
  return prediction;
}

}  // namespace slimreel
