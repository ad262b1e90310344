#include "data/loading/loader_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace slimreel {
namespace {

void CheckInputs(const LoaderOptions& options, std::vector<std::string>* mistakes) {
  const KeypointInput& keypoints = options.keypoints;
  if (keypoints.persons > 0) {
    if (keypoints.frames < 1 || keypoints.joints < 1 || keypoints.heatmap_size < 1) {
      mistakes->push_back("keypoints need frames, joints and data.heatmap.size of at least 1");
    }
    if (options.augment.flip && keypoints.joints != kCocoJoints) {
      mistakes->push_back(absl::StrCat("data.augment.flip swaps left and right joints of the ",
                                       kCocoJoints, " COCO joints, but the model takes ",
                                       keypoints.joints, " joints; set it to false"));
    }
  }
  if (options.log_mel.mels > 0 && options.log_mel.frames < 1) {
    mistakes->push_back("a log-mel spectrogram needs at least 1 frame");
  }
  if (options.tokens.length > 0 && options.tokens.vocabulary < 1) {
    mistakes->push_back("tokens need a vocabulary of at least 1");
  }
}

}  // namespace

absl::Status LoaderOptions::Validate() const {
  if (augment.color_jitter) {
    return absl::UnimplementedError(
        "data.augment.color_jitter is not yet available; leave it out or set it to false");
  }
  if (augment.spec_augment) {
    return absl::UnimplementedError(
        "data.augment.spec_augment is not yet available; leave it out or set it to false");
  }
  std::vector<std::string> mistakes;
  if (sources.empty()) mistakes.push_back("no data is given; set data.train or data.val");
  const std::pair<const char*, int64_t> positive[] = {
      {"data.img_size (height)", height},
      {"data.img_size (width)", width},
      {"data.num_frames", num_frames},
      {"data.frame_interval", frame_interval},
      {"data.max_video_frames", max_video_frames},
      {"evaluation.num_clips", num_clips},
      {"data.batch_size", batch_size},
  };
  for (const auto& [key, value] : positive) {
    if (value < 1) mistakes.push_back(absl::StrCat(key, " is ", value, "; it must be at least 1"));
  }
  if (num_workers < 0) {
    mistakes.push_back(
        absl::StrCat("dataloader.num_workers is ", num_workers, "; it must be at least 0"));
  }
  if (prefetch_batches < 1 && num_workers > 0) {
    mistakes.push_back(absl::StrCat("batches to prefetch: ", prefetch_batches,
                                    "; dataloader.prefetch_factor must be at least 1"));
  }
  CheckInputs(*this, &mistakes);
  if (mistakes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(mistakes, "; "));
}

}  // namespace slimreel
