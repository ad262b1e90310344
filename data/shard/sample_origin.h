// The origin of a sample: the files it was made of, and the recipe that was applied to
// them. A later preparation reuses a sample only if both are equal (SHARD_FORMAT.md).
// Plain values and their JSON.
#ifndef DATA_SHARD_SAMPLE_ORIGIN_H_
#define DATA_SHARD_SAMPLE_ORIGIN_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace slimreel {

// Identifies one version of a file.
struct FileMark {
  int64_t size_bytes = -1;  // -1: there is no file
  int64_t mtime_ns = 0;     // time of the last change, ns since 1970
  uint64_t digest = 0;      // hash of the start and the end of the file
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

struct SampleOrigin {
  bool known = false;  // false for a shard of format 1, or of another program
  FileMark video;
  FileMark keypoints;   // of the keypoint file, if the sample has keypoints from one
  uint64_t recipe = 0;  // hash of all options and libraries that decide the sample's bytes
  int64_t chunk = 0;    // number of the chunk in its video, from 0
  bool last_chunk = false;
  // Last chunk only: frames behind it at the end of the video, too few for another chunk.
  int64_t left_out_frames = 0;
  friend bool operator==(const SampleOrigin&, const SampleOrigin&) = default;
};

// A hash as JSON stores it: 16 hexadecimal digits. (JSON numbers above 2^53 lose bits in many
// readers.)
std::string HashText(uint64_t hash);

// The object "origin" of a sample's JSON. The chunk fields are stored beside it.
nlohmann::json ToJson(const SampleOrigin& origin);
// Reads the origin from the whole JSON of a sample. If a member is absent or has another type,
// `known` is false.
SampleOrigin OriginFromJson(const nlohmann::json& sample);

}  // namespace slimreel

#endif  // DATA_SHARD_SAMPLE_ORIGIN_H_
