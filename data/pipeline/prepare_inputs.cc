#include "data/pipeline/prepare_inputs.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "data/annotations/input_list.h"
#include "data/annotations/keypoint_file.h"
#include "data/decode/video_decoder.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

// Moves when the same options give other bytes than before.
constexpr int kPipelineVersion = 1;

nlohmann::json Preparation(const DataOptions& data) {
  nlohmann::json json = {{"pipeline_version", kPipelineVersion},
                         {"resize", "bilinear"},
                         {"max_video_frames", data.max_video_frames},
                         {"chunk_overlap", data.chunk_overlap},
                         {"quality_threshold", data.quality_threshold},
                         {"frame_codec", "raw"},
                         {"shard_size", data.shard_size}};
  json["short_side"] =
      data.native_size ? nlohmann::json("native") : nlohmann::json(data.ResolvedShortSide());
  // Unless said otherwise: frames, and keypoints where they are there.
  if (data.load_rgb.has_value()) json["frames"] = *data.load_rgb;
  if (data.load_kpt.has_value()) json["keypoints"] = *data.load_kpt;
  return json;
}

std::string Fingerprint(const DatasetInfo& info) {
  const std::string text = info.preparation.dump() + nlohmann::json(info.libav_versions).dump();
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

// Splits of one folder share classes and options: whoever comes second must agree.
absl::Status AgreeWith(const OtherSplits& others, const std::string& output, DatasetInfo* info) {
  if (others.names.empty()) return absl::OkStatus();
  info->classes = others.classes;
  if (others.fingerprint == info->fingerprint) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      output, ": its split ", absl::StrJoin(others.names, ", "),
      " was prepared with other options or libraries (", others.preparation.dump(), " against ",
      info->preparation.dump(), "); use the same ones, or another --output"));
}

// Size and time of change; both stay as they are where there is no such file.
void LookAt(const std::string& path, int64_t* bytes, int64_t* mtime_ns) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return;
  *bytes = status.st_size;
  *mtime_ns = int64_t{1000000000} * status.st_mtim.tv_sec + status.st_mtim.tv_nsec;
}

// Part 3 of 16 takes the videos number 2, 18, 34, ...: classes stay mixed.
std::vector<InputRecord> RecordsOf(const std::vector<InputVideo>& videos,
                                   const PrepareOptions& options) {
  std::vector<NamedVideo> names;
  for (const InputVideo& video : videos) names.push_back({video.name, video.path});
  const std::vector<std::string> stems = KeyStems(names);
  std::vector<InputRecord> records;
  const size_t step = options.part > 0 ? options.num_parts : 1;
  for (size_t i = options.part > 0 ? options.part - 1 : 0; i < videos.size(); i += step) {
    InputRecord record;
    record.path = videos[i].path;
    record.key = stems[i];
    record.label = videos[i].label;
    LookAt(record.path, &record.size_bytes, &record.mtime_ns);
    if (options.data.load_kpt.value_or(true)) {
      LookAt(KeypointPathOf(record.path), &record.keypoint_bytes, &record.keypoint_mtime_ns);
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

absl::StatusOr<PreparedInputs> CollectInputs(const PrepareOptions& options,
                                             const OtherSplits& others) {
  PreparedInputs prepared;
  DatasetInfo& info = prepared.info;
  info.preparation = Preparation(options.data);
  info.libav_versions = LibavVersions();
  info.fingerprint = Fingerprint(info);
  SLIMREEL_RETURN_IF_ERROR(AgreeWith(others, options.output, &info));
  SLIMREEL_ASSIGN_OR_RETURN(InputList list,
                            ListInputs({options.inputs, options.annotations, info.classes}));
  info.classes = list.classes;
  prepared.warnings = std::move(list.warnings);
  for (const InputVideo& video : list.videos) prepared.paths.insert(video.path);
  prepared.videos = RecordsOf(list.videos, options);
  return prepared;
}

}  // namespace slimreel
