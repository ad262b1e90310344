#include "trainer/setup/frame_preparation.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "base/logging.h"
#include "data/shard/dataset_info.h"

namespace slimreel {
namespace {

FramePreparation FromOptions(const DataOptions& data) {
  return {.short_side = data.ResolvedShortSide(),
          .max_video_frames = data.max_video_frames,
          .chunk_overlap = data.chunk_overlap,
          .min_chunk_frames = data.ResolvedMinChunkFrames(),
          .quality_threshold = data.quality_threshold};
}

// Values that the folder does not give are taken from `fallback`.
FramePreparation FromJson(const nlohmann::json& json, FramePreparation fallback) {
  const auto read = [&json](const char* key, auto* field) {
    const auto found = json.find(key);
    if (found != json.end() && found->is_number()) found->get_to(*field);
  };
  read("short_side", &fallback.short_side);
  if (json.value("short_side", nlohmann::json()) == "native") fallback.short_side = 0;
  read("max_video_frames", &fallback.max_video_frames);
  read("chunk_overlap", &fallback.chunk_overlap);
  // Older shards, made before min_chunk_frames existed, hold every short rest of a video.
  if (json.contains("max_video_frames")) fallback.min_chunk_frames = 1;
  read("min_chunk_frames", &fallback.min_chunk_frames);
  read("quality_threshold", &fallback.quality_threshold);
  return fallback;
}

}  // namespace

absl::StatusOr<FramePreparation> FindFramePreparation(const DataOptions& data) {
  const FramePreparation configured = FromOptions(data);
  FramePreparation found = configured;
  for (size_t i = 0; i < data.train.size(); ++i) {
    const std::string& folder = data.train[i];
    if (absl::StartsWith(folder, "synthetic:")) continue;
    const absl::StatusOr<DatasetInfo> info = ReadDatasetInfo(folder);
    if (absl::IsNotFound(info.status())) {
      LOG(WARNING) << folder << " has no dataset.json, which says how its frames were made, so "
                   << "predict uses data.short_side, data.max_video_frames, data.chunk_overlap, "
                   << "data.min_chunk_frames and data.quality_threshold of the configuration";
      continue;
    }
    if (!info.ok()) return info.status();
    const FramePreparation own = FromJson(info->preparation, configured);
    if (i == 0) found = own;
    if (own == found) continue;
    LOG(WARNING) << folder << " was prepared differently from " << data.train[0]
                 << "; predict treats videos like the latter";
  }
  return found;
}

}  // namespace slimreel
