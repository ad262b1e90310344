#include "data/chunking/chunker.h"

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
  if (options_.rule.IsFull(static_cast<int64_t>(chunk_.frames.size()))) {
    SLIMREEL_RETURN_IF_ERROR(Cut());
  }
  chunk_.frames.push_back(frame);
  ++kept_frames_;
  if (!waiting_ || !options_.rule.KeepsRest(static_cast<int64_t>(chunk_.frames.size()), 1)) {
    return absl::OkStatus();
  }
  Chunk full = *std::exchange(waiting_, std::nullopt);
  return HandOut(std::move(full));
}

// Starts the next chunk with the last `overlap` frames of the full one and the frame in the slot
// after them. The full chunk waits.
absl::Status Chunker::Cut() {
  Chunk next;
  next.number = chunk_.number + 1;
  next.rgb = NewBuffer();
  const int64_t overlap = options_.rule.overlap;
  const int64_t first = options_.rule.max_frames - overlap;
  SLIMREEL_RETURN_IF_ERROR(next.rgb.Reserve((overlap + 1) * frame_bytes_));
  if (frame_bytes_ > 0) {
    std::memcpy(next.rgb.data(), chunk_.rgb.data() + first * frame_bytes_,
                static_cast<size_t>((overlap + 1) * frame_bytes_));
  }
  next.frames.assign(chunk_.frames.begin() + first, chunk_.frames.end());
  std::swap(chunk_, next);
  next.rgb.Seal();
  waiting_ = std::move(next);
  return absl::OkStatus();
}

absl::Status Chunker::HandOut(Chunk chunk) {
  chunk.rgb.Seal();
  ++chunks_;
  return sink_(std::move(chunk));
}

absl::Status Chunker::Finish() {
  const int64_t rest = static_cast<int64_t>(chunk_.frames.size());
  const int64_t before = chunks_ + (waiting_ ? 1 : 0);
  if (!options_.rule.KeepsRest(rest, before)) {
    if (!waiting_) return absl::OkStatus();  // no frame at all
    left_out_frames_ = rest - options_.rule.overlap;
    kept_frames_ -= left_out_frames_;
    chunk_ = *std::exchange(waiting_, std::nullopt);
    chunk_.left_out_frames = left_out_frames_;
  }
  if (waiting_) SLIMREEL_RETURN_IF_ERROR(HandOut(*std::exchange(waiting_, std::nullopt)));
  chunk_.last = true;
  return HandOut(std::exchange(chunk_, Chunk()));
}

}  // namespace slimreel
