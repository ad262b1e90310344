// One video file -> chunks of resized frames with their scores: what a decoding
// thread of the pipeline does.
#ifndef DATA_PIPELINE_CHUNK_VIDEO_H_
#define DATA_PIPELINE_CHUNK_VIDEO_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "data/decode/frame_size.h"
#include "data/pipeline/chunker.h"

namespace slimreel {

enum class KeypointUse { kIgnored, kWhereThere, kRequired };

struct ChunkVideoOptions {
  FrameSizing sizing;
  bool keep_frames = true;  // else frames are decoded to be counted and timed alone
  // Those of the file beside the video (data/annotations/keypoint_file.h). Its frames must
  // be the decoded ones, else the video is rejected: chunks are handed out at its end.
  KeypointUse keypoints = KeypointUse::kWhereThere;
  double quality_threshold = 0;  // frames scored lower are left out
  ChunkerOptions chunker;
};

// How a video went; a line of the report.
struct VideoOutcome {
  std::string status = "ok";  // ok | partial | rejected
  // A code of data/decode/media_error.h, "quality", or of the keypoints: "no_keypoints",
  // "bad_keypoints" (the file), "keypoint_frames" (their number). Empty: none.
  std::string reason;
  std::string message;  // for people
  int64_t frames = 0;   // kept
  int64_t frames_decoded = 0;
  int64_t chunks = 0;
  double seconds = 0;
};

// A chunk with the size of its frames and the JSON that describes it.
struct DescribedChunk {
  Chunk chunk;
  FrameSize size;
  nlohmann::json metadata;
  std::string keypoints;  // the file <key>.kpts.npy; empty: none
};

using ChunkSink = std::function<absl::Status(DescribedChunk)>;

// Errors: of the sink, of memory or disk, CANCELLED. What is wrong with the video
// is an outcome, no error.
absl::StatusOr<VideoOutcome> ChunkVideo(const std::string& path, const ChunkVideoOptions& options,
                                        const std::function<bool()>& interrupted,
                                        const ChunkSink& sink);

}  // namespace slimreel

#endif  // DATA_PIPELINE_CHUNK_VIDEO_H_
