#include "trainer/prediction/video_predictor.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "memory/recovery/exceeded_limit.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/device_memory.h"
#include "trainer/evaluation/metrics.h"
#include "trainer/prediction/video_scorer.h"

namespace slimreel {
namespace {

absl::Status CheckFrames(const std::string& path, const PredictOptions& options,
                         const VideoScores& scores) {
  if (scores.frames == 0) {
    return absl::DataLossError(absl::StrCat(path, " holds no frame that can be decoded"));
  }
  if (scores.clips == 0) {
    return absl::DataLossError(
        absl::StrCat(path, ": every frame is below data.quality_threshold = ",
                     options.preparation.quality_threshold, ", with which the shards were made"));
  }
  return absl::OkStatus();
}

// NaN and infinity are refused: they would look like a label.
absl::StatusOr<VideoPrediction> PredictionOf(const std::string& path, VideoScores scores) {
  VideoPrediction prediction;
  prediction.frames = scores.frames;
  prediction.clips = scores.clips;
  prediction.partial = std::move(scores.partial);
  prediction.logits = std::move(scores.sum);
  for (double& logit : prediction.logits) logit /= static_cast<double>(scores.clips);
  const std::vector<double>& logits = prediction.logits;
  if (!std::all_of(logits.begin(), logits.end(), [](double x) { return std::isfinite(x); })) {
    return absl::DataLossError(absl::StrCat(
        path,
        ": the model's scores are no numbers (NaN or infinite): its weights diverged in "
        "training; choose an earlier --checkpoint, or train with a lower train.lr"));
  }
  prediction.probabilities = Softmax(logits);
  const std::vector<double>& probabilities = prediction.probabilities;
  prediction.label =
      std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  return prediction;
}

// A pipe can be read once only.
bool CanBeReadAgain(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && !error;
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

VideoPredictor::VideoPredictor(const Model& model, PredictOptions options)
    : model_(model), options_(std::move(options)) {}

absl::StatusOr<VideoPrediction> VideoPredictor::Predict(const std::string& path) {
  SLIMREEL_RETURN_IF_ERROR(CheckPredictable(model_));
  absl::StatusOr<VideoScores> scores;
  const auto score = [&] {
    VideoScorer scorer(model_, options_, path);
    scores = clips_at_once_ == 0 ? scorer.ScoreChunks() : scorer.ScoreClips(clips_at_once_);
  };
  while (!FitsInMemory(options_.device, score)) SLIMREEL_RETURN_IF_ERROR(HoldLess(path));
  SLIMREEL_RETURN_IF_ERROR(scores.status());
  if (StopRequested()) return StoppedError(absl::StrCat(path, ": stopped by a signal"));
  SLIMREEL_RETURN_IF_ERROR(CheckFrames(path, options_, *scores));
  return PredictionOf(path, *std::move(scores));
}

absl::Status VideoPredictor::HoldLess(const std::string& path) {
  if (clips_at_once_ == 1 || !CanBeReadAgain(path)) {
    const int64_t wanted = ReadDeviceMemory(options_.device).needed_bytes;
    const std::string bytes =
        wanted > 0 ? absl::StrCat(", which wants ", wanted, " bytes in all,") : std::string();
    const ExceededLimit limit = FindExceededLimit(options_.device);
    return NothingFitsError(absl::StrCat(
        "predicting ", clips_at_once_ == 1 ? "a single clip of " : "", path, bytes,
        " does not fit ", limit.name, "; ", limit.remedy,
        ", or choose a model with fewer or smaller frames (data.num_frames, data.img_size)"));
  }
  const int64_t clips = options_.evaluation.num_clips;
  clips_at_once_ = clips_at_once_ == 0 ? clips : (clips_at_once_ + 1) / 2;
  LOG(INFO) << "prediction runs out of memory; it reads a video "
            << 1 + (clips + clips_at_once_ - 1) / clips_at_once_
            << " times from here on and holds the frames of " << clips_at_once_
            << (clips_at_once_ == 1 ? " clip" : " clips") << " of a chunk at a time";
  return absl::OkStatus();
}

}  // namespace slimreel
