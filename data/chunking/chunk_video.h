// One video file -> chunks of resized frames with their scores: what a decoding
// thread of the pipeline does.
#ifndef DATA_CHUNKING_CHUNK_VIDEO_H_
#define DATA_CHUNKING_CHUNK_VIDEO_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "data/chunking/chunker.h"
#include "data/chunking/file_look.h"
#include "data/decode/frame_size.h"
#include "data/shard/sample_origin.h"

namespace slimreel {

enum class KeypointUse { kIgnored, kWhereThere, kRequired };

struct ChunkVideoOptions {
  FrameSizing sizing;
  bool keep_frames = true;  // false: frames are decoded only to be counted and timed
  // Those of the file beside the video (data/annotations/keypoint_file.h). Its frames must
  // be the decoded ones, else the video is rejected: chunks are handed out at its end.
  KeypointUse keypoints = KeypointUse::kWhereThere;
  // Of chunks that wait for that end, on the disk; a video that needs more is decoded twice.
  int64_t waiting_bytes = int64_t{1} << 30;
  double quality_threshold = 0;  // frames scored lower are left out
  ChunkerOptions chunker;
  uint64_t recipe = 0;  // of SampleOrigin
  // Of one decoded picture, and of a keypoint file; larger ones reject the video. 0: any.
  int64_t max_picture_bytes = 0;
  int64_t max_keypoint_bytes = 0;
};

// A video with the looks at its files before they are read.
struct SourceFiles {
  std::string path;
  FileLook look;
  FileLook keypoint_look;  // of KeypointPathOf(path)
};

// How a video went; a line of the report.
struct VideoOutcome {
  std::string status = "ok";  // ok | partial | rejected
  // A code of data/decode/media_error.h, "quality", or of the keypoints: "no_keypoints",
  // "bad_keypoints" (the file), "keypoint_frames" (their number), "keypoints_too_large".
  // Empty: none.
  std::string reason;
  std::string message;  // for people
  int64_t frames = 0;   // kept
  int64_t frames_decoded = 0;
  int64_t left_out_frames = 0;  // of a rest that was too short (data.min_chunk_frames)
  int64_t chunks = 0;
  double seconds = 0;
};

// True where the outcome holds for the same file in another run too.
bool MayBeRemembered(const VideoOutcome& outcome);

// A chunk with the size of its frames and the JSON that describes it.
struct DescribedChunk {
  Chunk chunk;
  FrameSize size;
  nlohmann::json metadata;  // of the last chunk also "outcome": how the video went
  std::string keypoints;    // the file <key>.kpts.npy; empty: none
  SampleOrigin origin;
};

using ChunkSink = std::function<absl::Status(DescribedChunk)>;

// Errors: of the sink, of the machine (memory, descriptors, disk), CANCELLED; Aborted: the file
// changed while it was read. What is wrong with the video is an outcome, no error.
absl::StatusOr<VideoOutcome> ChunkVideo(const SourceFiles& source, const ChunkVideoOptions& options,
                                        const std::function<bool()>& interrupted,
                                        const ChunkSink& sink);

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_VIDEO_H_
