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

// One of the folders, and the numbers of its first sample and video over all folders.
struct Folder {
  std::unique_ptr<ShardDataset> dataset;
  int64_t first_sample = 0;
  int64_t first_video = 0;
};

class ShardSource : public ClipSource {
 public:
  explicit ShardSource(const LoaderOptions& options) : options_(options) {}
  absl::Status Append(const std::string& path, std::unique_ptr<ShardDataset> dataset);

  int64_t num_samples() const override { return num_samples_; }
  ClipInfo info(int64_t sample) const override {
    const Folder& folder = FolderOf(sample);
    const SampleInfo info = folder.dataset->sample(sample - folder.first_sample);
    return {info.label,
            info.num_frames,
            {.width = info.width, .height = info.height},
            folder.first_video + info.video};
  }
  std::optional<uint64_t> content_id(int64_t sample) const override {
    const Folder& folder = FolderOf(sample);
    return folder.dataset->ContentId(sample - folder.first_sample);
  }
  std::optional<uint64_t> source_id(int64_t sample) const override {
    const Folder& folder = FolderOf(sample);
    return folder.dataset->SourceId(sample - folder.first_sample);
  }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<std::string>& videos() const override { return videos_; }
  void Prefetch(const ClipRequest& request) const override;
  absl::Status ReadClip(const ClipRequest& request, uint8_t* clip) const override;
  absl::Status ReadKeypoints(const ClipRequest& request, float* keypoints) const override;
  absl::Status ReadLogMel(int64_t, float*) const override { return NoSpeech(); }
  absl::Status ReadTokens(int64_t, int64_t*, int64_t*) const override { return NoSpeech(); }

 private:
  static absl::Status NoSpeech() {
    return absl::UnimplementedError(
        "speech in shards is not yet available; use data.train=synthetic:N");
  }
  // InvalidArgument: the sample lacks an input that the options ask for.
  absl::Status CheckMembers(const Folder& folder, int64_t sample) const;
  // "PATH: sample KEY", for errors.
  static std::string NameOf(const Folder& folder, const SampleInfo& info) {
    return absl::StrCat(folder.dataset->shards()[info.shard], ": sample ",
                        absl::string_view(info.key.data(), info.key.size()));
  }
  const Folder& FolderOf(int64_t sample) const {
    const auto after = std::upper_bound(
        folders_.begin(), folders_.end(), sample,
        [](int64_t value, const Folder& folder) { return value < folder.first_sample; });
    return *(after - 1);
  }

  const LoaderOptions options_;
  std::vector<Folder> folders_;
  int64_t num_samples_ = 0;
  std::vector<std::string> classes_;
  std::vector<std::string> videos_;
};

absl::Status ShardSource::Append(const std::string& path, std::unique_ptr<ShardDataset> dataset) {
  Folder folder{std::move(dataset), num_samples_, static_cast<int64_t>(videos_.size())};
  const std::vector<std::string>& classes = folder.dataset->classes();
  if (folders_.empty()) {
    classes_ = classes;
  } else if (classes != classes_) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has other classes than the folders before it (", classes.size(), " against ",
        classes_.size(), "); prepare all folders from one input, or use only one of them"));
  }
  const int64_t num_classes = static_cast<int64_t>(classes_.size());
  for (int64_t i = 0; i < folder.dataset->num_samples(); ++i) {
    const SampleInfo info = folder.dataset->sample(i);
    if (num_classes > 0 && info.label >= num_classes) {
      return absl::DataLossError(absl::StrCat(NameOf(folder, info), " has label ", info.label,
                                              ", but dataset.json names ", num_classes,
                                              " classes; prepare the folder again"));
    }
    SLIMREEL_RETURN_IF_ERROR(CheckMembers(folder, i));
  }
  num_samples_ += folder.dataset->num_samples();
  videos_.insert(videos_.end(), folder.dataset->videos().begin(), folder.dataset->videos().end());
  folders_.push_back(std::move(folder));
  return absl::OkStatus();
}

absl::Status ShardSource::CheckMembers(const Folder& folder, int64_t sample) const {
  if (options_.frames && !folder.dataset->Has(sample, MemberKind::kFrames)) {
    return absl::InvalidArgumentError(
        absl::StrCat(NameOf(folder, folder.dataset->sample(sample)),
                     " has no raw frames, which the model reads; prepare the folder again with "
                     "data.load_rgb=true"));
  }
  if (options_.keypoints.persons > 0 && !folder.dataset->Has(sample, MemberKind::kKeypoints)) {
    return absl::InvalidArgumentError(absl::StrCat(
        NameOf(folder, folder.dataset->sample(sample)),
        " has no keypoints, which the model reads; put <name>.kpts.npy beside each video and "
        "prepare the folder again (data.load_kpt=true leaves out videos without keypoints)"));
  }
  return absl::OkStatus();
}

void ShardSource::Prefetch(const ClipRequest& request) const {
  if (request.frames.empty()) return;
  const Folder& folder = FolderOf(request.sample);
  const auto [first, last] = std::minmax_element(request.frames.begin(), request.frames.end());
  folder.dataset->WillNeed(request.sample - folder.first_sample, *first, *last - *first + 1);
}

absl::Status ShardSource::ReadClip(const ClipRequest& request, uint8_t* clip) const {
  const Folder& folder = FolderOf(request.sample);
  const int64_t sample = request.sample - folder.first_sample;
  SLIMREEL_ASSIGN_OR_RETURN(const FramesView view, folder.dataset->Frames(sample));
  const SampleInfo info = folder.dataset->sample(sample);
  if (view.num_frames != info.num_frames || view.height != info.height ||
      view.width != info.width) {
    return absl::DataLossError(
        absl::StrCat(NameOf(folder, info), " holds ", view.num_frames, " frames of ", view.height,
                     "x", view.width, ", but its index says ", info.num_frames, " of ", info.height,
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
  const Folder& folder = FolderOf(request.sample);
  const int64_t sample = request.sample - folder.first_sample;
  SLIMREEL_ASSIGN_OR_RETURN(KeypointsView view, folder.dataset->Keypoints(sample));
  const SampleInfo info = folder.dataset->sample(sample);
  if (view.joints != options_.keypoints.joints) {
    return absl::InvalidArgumentError(absl::StrCat(NameOf(folder, info), " has ", view.joints,
                                                   " joints, but the model takes ",
                                                   options_.keypoints.joints));
  }
  // The window is around the persons that the model sees.
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
