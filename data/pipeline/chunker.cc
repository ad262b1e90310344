#include "data/pipeline/chunker.h"

#include <cstring>
#include <utility>

#include "base/status_macros.h"

namespace slimreel {

absl::StatusOr<uint8_t*> Chunker::Slot() {
  const int64_t frames = chunk_.frames.size();
  SLIMREEL_RETURN_IF_ERROR(chunk_.rgb.Reserve((frames + 1) * frame_bytes_));
  return chunk_.rgb.data() + frames * frame_bytes_;
}

absl::Status Chunker::Keep(const KeptFrame& frame) {
  // A full chunk goes out when its successor begins: only then is it known not to be the last.
  if (static_cast<int64_t>(chunk_.frames.size()) == options_.max_frames) {
    SLIMREEL_RETURN_IF_ERROR(Cut());
  }
  chunk_.frames.push_back(frame);
  ++kept_frames_;
  return absl::OkStatus();
}

// Sends the full chunk; its last `overlap` frames, and the one in the slot
// behind it, start the next one.
absl::Status Chunker::Cut() {
  Chunk next;
  next.number = chunk_.number + 1;
  next.rgb = NewBuffer();
  const int64_t first = options_.max_frames - options_.overlap;
  SLIMREEL_RETURN_IF_ERROR(next.rgb.Reserve((options_.overlap + 1) * frame_bytes_));
  if (frame_bytes_ > 0) {
    std::memcpy(next.rgb.data(), chunk_.rgb.data() + first * frame_bytes_,
                (options_.overlap + 1) * frame_bytes_);
  }
  next.frames.assign(chunk_.frames.begin() + first, chunk_.frames.end());
  std::swap(chunk_, next);
  ++chunks_;
  return sink_(std::move(next));
}

absl::Status Chunker::Finish() {
  if (chunk_.frames.empty()) return absl::OkStatus();
  chunk_.last = true;
  ++chunks_;
  return sink_(std::exchange(chunk_, Chunk()));
}

}  // namespace slimreel
