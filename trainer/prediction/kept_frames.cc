#include "trainer/prediction/kept_frames.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "data/chunking/frame_quality.h"
#include "data/loading/crop.h"
#include "data/loading/planar_copy.h"

namespace slimreel {

absl::StatusOr<KeptFrames> KeptFrames::Open(const std::string& path, FrameSize crop,
                                            const PredictOptions& options) {
  VideoDecoderOptions decoder_options;
  decoder_options.sizing.short_side = static_cast<int>(options.preparation.short_side);
  decoder_options.max_decoded_frame_bytes = options.max_decoded_frame_bytes;
  decoder_options.interrupted = StopRequested;
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<VideoDecoder> decoder,
                            VideoDecoder::Open(path, decoder_options));
  return KeptFrames(path, crop, options, std::move(decoder));
}

KeptFrames::KeptFrames(std::string path, FrameSize crop, const PredictOptions& options,
                       std::unique_ptr<VideoDecoder> decoder)
    : path_(std::move(path)), crop_(crop), options_(&options), decoder_(std::move(decoder)) {}

absl::StatusOr<bool> KeptFrames::Next() {
  while (!StopRequested()) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool more, decoder_->Next());
    if (!more) return false;
    const FrameSize stored = decoder_->size();
    const bool small = stored.height < crop_.height || stored.width < crop_.width;
    if (small && !options_->data.allow_upscale) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": frames of ", stored.height, " x ", stored.width,
                       " are smaller than data.img_size = ", crop_.height, " x ", crop_.width,
                       "; data.allow_upscale=true enlarges them"));
    }
    rgb_.resize(static_cast<size_t>(stored.rgb_bytes()));
    decoder_->CopyRgb(absl::MakeSpan(rgb_));
    ++num_decoded_;
    const double threshold = options_->preparation.quality_threshold;
    if (threshold <= 0.0 || MeasureQuality(rgb_.data(), stored).score >= threshold) return true;
  }
  return false;
}

void KeptFrames::CopyCrop(uint8_t* planes) const {
  const FrameSize stored = decoder_->size();
  CopyCropToPlanes(rgb_.data(), stored, CentreCrop(stored, crop_), crop_.height * crop_.width,
                   planes);
}

}  // namespace slimreel
