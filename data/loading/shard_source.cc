#include "data/loading/shard_source.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "data/loading/keypoint_clip.h"
#include "data/loading/planar_copy.h"
#include "data/shard/dataset_info.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

// A folder of several: its first sample and video in the joined numbering.
struct Part {
  std::unique_ptr<ShardDataset> dataset;
  int64_t first_sample = 0;
  int64_t first_video = 0;
};

class ShardSource : public ClipSource {
 public:
  explicit ShardSource(const LoaderOptions& options) : options_(options) {}
  absl::Status Append(const std::string& folder, std::unique_ptr<ShardDataset> dataset);

  int64_t num_samples() const override { return num_samples_; }
  ClipInfo info(int64_t sample) const override {
    const Part& part = PartOf(sample);
    const SampleInfo info = part.dataset->sample(sample - part.first_sample);
    return {info.label,
            info.num_frames,
            {.width = info.width, .height = info.height},
            part.first_video + info.video};
  }
  std::optional<uint64_t> content_id(int64_t sample) const override {
    const Part& part = PartOf(sample);
    return part.dataset->ContentId(sample - part.first_sample);
  }
  std::optional<uint64_t> source_id(int64_t sample) const override {
    const Part& part = PartOf(sample);
    return part.dataset->SourceId(sample - part.first_sample);
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<std::string>& videos() const override { return videos_; }
  void WillRead(const ClipRequest& request) const override;
  absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const override;
  absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const override;
  absl::Status ReadLogMel(int64_t, float*) const override { return NoSpeech(); }
  absl::Status ReadTokens(int64_t, int64_t*, int64_t*) const override { return NoSpeech(); }

 private:
  static absl::Status NoSpeech() {
    return absl::UnimplementedError(
        "speech in shards is not yet available; data.train=synthetic:N is");
  }
  // What the options ask for must be there.
  absl::Status CheckMembers(const Part& part, int64_t sample) const;
  // "PATH: sample KEY", for errors.
  static std::string NameOf(const Part& part, const SampleInfo& info) {
    return absl::StrCat(part.dataset->shards()[info.shard], ": sample ",
                        absl::string_view(info.key.data(), info.key.size()));
  }
  const Part& PartOf(int64_t sample) const {
    const auto after =
        std::upper_bound(parts_.begin(), parts_.end(), sample,
                         [](int64_t value, const Part& part) { return value < part.first_sample; });
    return *(after - 1);
  }

  const LoaderOptions options_;
  std::vector<Part> parts_;
  int64_t num_samples_ = 0;
  std::vector<std::string> classes_;
  std::vector<std::string> videos_;
};

absl::Status ShardSource::Append(const std::string& folder, std::unique_ptr<ShardDataset> dataset) {
  Part part{std::move(dataset), num_samples_, static_cast<int64_t>(videos_.size())};
  const std::vector<std::string>& classes = part.dataset->classes();
  if (parts_.empty()) {
    classes_ = classes;
  } else if (classes != classes_) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder, " has other classes than the folders before it (", classes.size(), " against ",
        classes_.size(), "): prepare them from one input, or train on one of them"));
  }
  const int64_t num_classes = static_cast<int64_t>(classes_.size());
  for (int64_t i = 0; i < part.dataset->num_samples(); ++i) {
    const SampleInfo info = part.dataset->sample(i);
    if (num_classes > 0 && info.label >= num_classes) {
      return absl::DataLossError(absl::StrCat(NameOf(part, info), " has label ", info.label,
                                              ", but dataset.json names ", num_classes,
                                              " classes; prepare the folder again"));
    }
    SLIMREEL_RETURN_IF_ERROR(CheckMembers(part, i));
  }
  num_samples_ += part.dataset->num_samples();
  videos_.insert(videos_.end(), part.dataset->videos().begin(), part.dataset->videos().end());
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

absl::Status ShardSource::CheckMembers(const Part& part, int64_t sample) const {
  if (options_.frames && !part.dataset->Has(sample, MemberKind::kFrames)) {
    return absl::InvalidArgumentError(
        absl::StrCat(NameOf(part, part.dataset->sample(sample)),
                     " has no raw frames, which the model takes; prepare the folder again with "
                     "data.load_rgb=true"));
  }
  if (options_.keypoints.persons > 0 && !part.dataset->Has(sample, MemberKind::kKeypoints)) {
    return absl::InvalidArgumentError(absl::StrCat(
        NameOf(part, part.dataset->sample(sample)),
        " has no keypoints, which the model takes; put <name>.kpts.npy beside each video and "
        "prepare the folder again (data.load_kpt=true leaves out videos without)"));
  }
  return absl::OkStatus();
}

void ShardSource::WillRead(const ClipRequest& request) const {
  if (request.frames.empty()) return;
  const Part& part = PartOf(request.sample);
  const auto [first, last] = std::minmax_element(request.frames.begin(), request.frames.end());
  part.dataset->WillNeed(request.sample - part.first_sample, *first, *last - *first + 1);
}

absl::Status ShardSource::ReadClip(const ClipRequest& request, uint8_t* clip) const {
  const Part& part = PartOf(request.sample);
  const int64_t sample = request.sample - part.first_sample;
  SLIMREEL_ASSIGN_OR_RETURN(const FramesView view, part.dataset->Frames(sample));
  const SampleInfo info = part.dataset->sample(sample);
  if (view.num_frames != info.num_frames || view.height != info.height ||
      view.width != info.width) {
    return absl::DataLossError(
        absl::StrCat(NameOf(part, info), " holds ", view.num_frames, " frames of ", view.height,
                     "x", view.width, ", its index says ", info.num_frames, " of ", info.height,
                     "x", info.width, "; prepare the folder again"));
  }
  const int64_t frame_pixels = request.crop.size.height * request.crop.size.width;
  const int64_t plane_stride = frame_pixels * static_cast<int64_t>(request.frames.size());
  for (size_t t = 0; t < request.frames.size(); ++t) {
    CopyCropToPlanes(view.frame(request.frames[t]), {.width = view.width, .height = view.height},
                     request.crop, plane_stride, clip + frame_pixels * static_cast<int64_t>(t));
  }
  return absl::OkStatus();
}

absl::Status ShardSource::ReadKeypoints(const ClipRequest& request, float* keypoints) const {
  const Part& part = PartOf(request.sample);
  const int64_t sample = request.sample - part.first_sample;
  SLIMREEL_ASSIGN_OR_RETURN(KeypointsView view, part.dataset->Keypoints(sample));
  const SampleInfo info = part.dataset->sample(sample);
  if (view.joints != options_.keypoints.joints) {
    return absl::InvalidArgumentError(absl::StrCat(NameOf(part, info), " has ", view.joints,
                                                   " joints, but the model takes ",
                                                   options_.keypoints.joints));
  }
  // The window is around those who are drawn.
  view.persons = std::min(view.persons, options_.keypoints.persons);
  const PoseRequest& pose = request.pose;
  const FrameSize stored{.width = info.width, .height = info.height};
  PoseWindow window = pose.follow_crop ? WindowOfCrop(stored, request.crop)
                                       : CompactWindow(view, pose.frames, stored);
  if (pose.random_window) window = RandomSubWindow(window, pose.top_bits, pose.left_bits);
  CopyKeypoints(view, pose.frames, window, request.crop.flip, options_.keypoints, keypoints);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClipSource>> OpenShardSource(const LoaderOptions& options) {
  auto source = std::make_unique<ShardSource>(options);
  for (const std::string& folder : options.sources) {
    SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<ShardDataset> dataset,
                              ShardDataset::Open(folder, options.split));
    if (dataset->split() != options.split) {
      LOG(INFO) << folder << " holds only the split '" << dataset->split() << "'; it is used for "
                << options.sources_key;
    }
    SLIMREEL_RETURN_IF_ERROR(source->Append(folder, std::move(dataset)));
  }
  if (source->num_samples() == 0) {
    return absl::NotFoundError(absl::StrCat(options.sources[0], " holds no samples"));
  }
  return source;
}

absl::StatusOr<std::vector<std::string>> ReadShardClasses(const LoaderOptions& options) {
  absl::StatusOr<DatasetInfo> info = ReadDatasetInfo(options.sources[0]);
  if (info.ok()) return std::move(info->classes);
  if (!absl::IsNotFound(info.status())) return info.status();
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<ShardDataset> dataset,
                            ShardDataset::Open(options.sources[0], options.split));
  return dataset->classes();
}

}  // namespace slimreel
