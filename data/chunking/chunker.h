// Cuts the frames of one video into chunks by a ChunkRule. For each frame: call Slot, write the
// pixels there, then call Keep, or do not to drop the frame. Threading: one thread at a time.
#ifndef DATA_CHUNKING_CHUNKER_H_
#define DATA_CHUNKING_CHUNKER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/chunking/chunk_buffer.h"
#include "data/chunking/chunk_rule.h"
#include "data/chunking/frame_quality.h"
#include "data/decode/video_decoder.h"

namespace slimreel {

struct KeptFrame {
  FrameInfo info;
  FrameSize upright = {};  // after rotation, before any resize
  FrameQuality quality;
};

struct Chunk {
  int64_t number = 0;           // in the video, from 0
  bool last = false;            // of the video
  int64_t left_out_frames = 0;  // of the last chunk: frames after it, too few for another chunk
  std::vector<KeptFrame> frames;
  ChunkBuffer rgb;  // [frames.size(), height, width, 3] uint8
};

struct ChunkerOptions {
  ChunkRule rule;
  int64_t memory_bytes = int64_t{256} << 20;  // per chunk; a longer chunk goes to a file
  std::string spill_folder;
};

class Chunker {
 public:
  using Sink = std::function<absl::Status(Chunk)>;
  // `frame_bytes` 0: frames are counted and described, without pixels.
  Chunker(const ChunkerOptions& options, int64_t frame_bytes, Sink sink)
      : options_(options), frame_bytes_(frame_bytes), sink_(std::move(sink)) {
    chunk_.rgb = NewBuffer();
  }

  // The place for the pixels of the next frame. The next call overwrites a frame that was not kept.
  absl::StatusOr<uint8_t*> Slot();
  absl::Status Keep(const KeptFrame& frame);
  // Hands out the last chunk, marked as last: the remaining frames or, if they are too few, the
  // chunk before them.
  absl::Status Finish();

  int64_t chunks() const { return chunks_; }
  // Counts each frame of an overlap once, and no left-out frames. Valid after Finish.
  int64_t kept_frames() const { return kept_frames_; }
  int64_t left_out_frames() const { return left_out_frames_; }

 private:
  ChunkBuffer NewBuffer() const {
    return ChunkBuffer(options_.memory_bytes, options_.spill_folder);
  }
  absl::Status Cut();
  absl::Status HandOut(Chunk chunk);

  const ChunkerOptions options_;
  const int64_t frame_bytes_;
  Sink sink_;
  Chunk chunk_;                   // in the making
  std::optional<Chunk> waiting_;  // full; waits until the next one is long enough to be kept
  int64_t chunks_ = 0;            // handed out
  int64_t kept_frames_ = 0;
  int64_t left_out_frames_ = 0;
};

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNKER_H_
