// Where a sample comes from: the files that it was made of, and what was done to them. A
// later preparation takes a sample over only where both are the same (SHARD_FORMAT.md).
// Plain values.
#ifndef DATA_SHARD_SAMPLE_ORIGIN_H_
#define DATA_SHARD_SAMPLE_ORIGIN_H_

#include <cstdint>
#include <nlohmann/json.hpp>

namespace slimreel {

// Tells one version of a file from another.
struct FileMark {
  int64_t size_bytes = -1;  // -1: there is no such file
  int64_t mtime_ns = 0;     // time of the last change, since 1970
  uint64_t digest = 0;      // of the head and the tail of the file
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

struct SampleOrigin {
  bool known = false;  // false: a shard of format 1, or of another program
  FileMark video;
  FileMark keypoints;   // of the file beside the video, where the sample has keypoints of it
  uint64_t recipe = 0;  // hash of all options and libraries that decide the sample's bytes
  int64_t chunk = 0;    // number of the chunk in its video, from 0
  bool last_chunk = false;
  // Frames at the end of the video that were too few for a chunk of their own; of the last chunk.
  int64_t left_out_frames = 0;
  friend bool operator==(const SampleOrigin&, const SampleOrigin&) = default;
};

// The object "origin" of a sample's JSON, and the way back from the whole JSON of a sample.
nlohmann::json ToJson(const SampleOrigin& origin);
// What is absent or of another type leaves `known` false.
SampleOrigin OriginFromJson(const nlohmann::json& sample);

}  // namespace slimreel

#endif  // DATA_SHARD_SAMPLE_ORIGIN_H_
