// Turns one video file into chunks of resized frames with their quality scores: the work of one
// decoding thread. Threading: any number of calls at once.
#ifndef DATA_CHUNKING_CHUNK_VIDEO_H_
#define DATA_CHUNKING_CHUNK_VIDEO_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "data/chunking/chunker.h"
#include "data/chunking/file_stat.h"
#include "data/decode/frame_size.h"
#include "data/shard/sample_origin.h"

namespace slimreel {

enum class KeypointUse { kIgnored, kIfPresent, kRequired };

struct ChunkVideoOptions {
  FrameSizing sizing;
  bool keep_frames = true;  // false: frames are decoded only to be counted and timed
  // Use of the keypoint file beside the video (data/annotations/keypoint_file.h). Its number of
  // frames must be that of the decoded ones, else the video is rejected. So the chunks of such a
  // video are handed out at its end.
  KeypointUse keypoints = KeypointUse::kIfPresent;
  // Bound for the chunks that wait for that end, on the disk. A video that needs more is decoded
  // twice.
  int64_t waiting_bytes = int64_t{1} << 30;
  double quality_threshold = 0;  // frames with a lower score are dropped
  ChunkerOptions chunker;
  uint64_t recipe = 0;  // SampleOrigin::recipe
  // Bounds for one decoded picture and for a keypoint file. A larger one rejects the video. 0:
  // none.
  int64_t max_picture_bytes = 0;
  int64_t max_keypoint_bytes = 0;
};

// The files of a video, and their state before they are read.
struct SourceFiles {
  std::string path;
  FileStat stat;
  FileStat keypoint_stat;  // of KeypointPathOf(path)
};

// The outcome of one video: a line of the report.
struct VideoOutcome {
  std::string status = "ok";  // ok | partial | rejected
  // Why the video is partial or rejected: a code of data/decode/media_error.h, "quality", or one
  // for keypoints: "no_keypoints", "bad_keypoints" (the file), "keypoint_frames" (their number),
  // "keypoints_too_large". Empty: none.
  std::string reason;
  std::string message;  // the reason in words
  int64_t frames = 0;   // kept
  int64_t frames_decoded = 0;
  int64_t left_out_frames = 0;  // at the end, too few for a chunk (data.min_chunk_frames)
  int64_t chunks = 0;
  double seconds = 0;
};

// True if the same file would have this outcome in another preparation too. False if the reason may
// pass: permissions, the disk, bounds of the preparation.
bool IsPermanent(const VideoOutcome& outcome);

// A chunk with the size of its frames and the JSON that describes it.
struct DescribedChunk {
  Chunk chunk;
  FrameSize size;
  nlohmann::json metadata;  // of the last chunk: also "outcome", that of the video
  std::string keypoints;    // the file <key>.kpts.npy; empty: none
  SampleOrigin origin;
};

using ChunkSink = std::function<absl::Status(DescribedChunk)>;

// Errors: those of the sink and of the machine (memory, descriptors, disk); CANCELLED; Aborted: the
// file changed while it was read. A fault of the video is not an error but an outcome.
absl::StatusOr<VideoOutcome> ChunkVideo(const SourceFiles& source, const ChunkVideoOptions& options,
                                        const std::function<bool()>& interrupted,
                                        const ChunkSink& sink);

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_VIDEO_H_
