#include "data/pipeline/prepare_inputs.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/annotations/input_list.h"
#include "data/annotations/keypoint_file.h"
#include "data/chunking/file_stat.h"
#include "data/decode/video_decoder.h"
#include "data/pipeline/sample_key.h"
#include "data/shard/part_inputs.h"
#include "data/shard/sample_origin.h"

namespace slimreel {
namespace {

// Raise it when the same options give other bytes than before.
constexpr int kPipelineVersion = 2;

nlohmann::json PreparationJson(const DataOptions& data) {
  nlohmann::json json = {{"pipeline_version", kPipelineVersion},
                         {"resize", "bilinear"},
                         {"max_video_frames", data.max_video_frames},
                         {"chunk_overlap", data.chunk_overlap},
                         {"min_chunk_frames", data.ResolvedMinChunkFrames()},
                         {"quality_threshold", data.quality_threshold},
                         {"frame_codec", "raw"},
                         {"shard_size", data.shard_size}};
  json["short_side"] =
      data.native_size ? nlohmann::json("native") : nlohmann::json(data.ResolvedShortSide());
  // Both absent means: frames, and keypoints if their file exists.
  if (data.load_rgb.has_value()) json["frames"] = *data.load_rgb;
  if (data.load_kpt.has_value()) json["keypoints"] = *data.load_kpt;
  return json;
}

uint64_t HashOf(const nlohmann::json& preparation, const DatasetInfo& info) {
  const std::string text = preparation.dump() + nlohmann::json(info.libav_versions).dump();
  return XXH3_64bits(text.data(), text.size());
}

// Without min_chunk_frames: it only decides whether a video has one chunk more, and each sample
// stores enough to decide that again.
uint64_t RecipeOf(const DatasetInfo& info) {
  nlohmann::json preparation = info.preparation;
  preparation.erase("min_chunk_frames");
  return HashOf(preparation, info);
}

// Splits of one folder share classes and options: the second split must agree with the first.
absl::Status AgreeWithOtherSplits(const OtherSplits& others, const std::string& output,
                                  DatasetInfo* info) {
  if (others.names.empty()) return absl::OkStatus();
  info->classes = others.classes;
  if (others.fingerprint == info->fingerprint) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      output, ": its split ", absl::StrJoin(others.names, ", "),
      " was prepared with other options or libraries (there: ", others.preparation.dump(),
      "; now: ", info->preparation.dump(), "); use the same ones, or another --output"));
}

std::vector<std::string> StemsOf(const std::vector<InputVideo>& videos) {
  std::vector<NamedVideo> names;
  names.reserve(videos.size());
  for (const InputVideo& video : videos) names.push_back({video.name, video.path});
  return KeyStems(names);
}

// Adds the videos of this part. A video's part follows from its name only, so a new video moves no
// other one to another part. CANCELLED: interrupted.
absl::Status AddVideosOfPart(std::vector<InputVideo> videos, const PrepareOptions& options,
                             CollectedInputs* prepared) {
  std::vector<std::string> stems = StemsOf(videos);
  if (options.part == 0) prepared->videos.reserve(videos.size());
  for (size_t i = 0; i < videos.size(); ++i) {
    if (options.interrupted && options.interrupted()) return absl::CancelledError("stopped");
    if (options.part > 0) prepared->all.push_back({videos[i].name, videos[i].label});
    if (options.part > 0 && PartOf(videos[i].name, options.num_parts) != options.part) {
      prepared->other_paths.insert(std::move(videos[i].path));
      continue;
    }
    SourceVideo video;
    video.source.path = std::move(videos[i].path);
    video.key = std::move(stems[i]);
    video.label = videos[i].label;
    video.source.stat = StatFile(video.source.path);
    if (options.data.load_kpt.value_or(true)) {
      video.source.keypoint_stat = StatFile(KeypointPathOf(video.source.path));
    }
    prepared->videos.push_back(std::move(video));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CollectedInputs> CollectInputs(const PrepareOptions& options,
                                              const OtherSplits& others) {
  CollectedInputs prepared;
  DatasetInfo& info = prepared.info;
  info.preparation = PreparationJson(options.data);
  info.libav_versions = LibavVersions();
  info.fingerprint = HashText(HashOf(info.preparation, info));
  prepared.recipe = RecipeOf(info);
  SLIMREEL_RETURN_IF_ERROR(AgreeWithOtherSplits(others, options.output, &info));
  SLIMREEL_ASSIGN_OR_RETURN(InputList list,
                            ListInputs({options.inputs, options.annotations, info.classes,
                                        options.data.load_kpt.value_or(true)}));
  info.classes = list.classes;
  prepared.warnings = std::move(list.warnings);
  prepared.unreadable_folders = std::move(list.unreadable_folders);
  SLIMREEL_RETURN_IF_ERROR(AddVideosOfPart(std::move(list.videos), options, &prepared));
  return prepared;
}

}  // namespace slimreel
