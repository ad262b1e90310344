#include "data/decode/presentation_times.h"

namespace slimreel {

// Note [Which times are believed]
//
// A frame's pts is believed, unless
// - there is none: libavcodec's best effort stands in, which is the dts;
// - it does not lie above that of the frame before;
// - it passes that of the next frame, which lies above that of the frame before: then this frame
//   is the one that stands out. (Order alone tells; the gaps of a variable rate are kept.)
// - it leaps by more than `far` beyond what was expected, and lies by more than `far` after its
//   own dts and after that of the next frame. A true gap moves the dts as well. This finds
//   several in a row. The last frames have no dts: there the stream's end stands in, so far as
//   the container tells it apart from the times of its frames (Matroska does not).
// Such a frame is estimated: the frame before plus its duration, but below the next frame's time
// where that comes earlier, so that one bad time never costs the next.
//
// Files whose pts fall again and again (more than one frame in eight) carry them in decoding
// order: then libavcodec's best effort is taken for all. Streams that were joined end to end
// start again below what was shown; all of a later part is continued by durations.
PresentationTimes::Judged PresentationTimes::Judge(const FrameTime& frame, const FrameTime* next) {
  ++frames_;
  if (frame.pts && last_said_ && *frame.pts <= *last_said_) ++falls_;
  if (frame.pts) last_said_ = frame.pts;
  const std::optional<int64_t> time = TimeOf(frame);
  Judged judged;
  judged.estimated = !time || (last_ && *time <= *last_) || IsOutlier(frame, *time, next);
  judged.pts = judged.estimated ? Estimate(next) : *time;
  last_ = judged.pts;
  last_duration_ = frame.duration;
  return judged;
}

std::optional<int64_t> PresentationTimes::TimeOf(const FrameTime& frame) const {
  const bool steady = falls_ <= 1 + frames_ / 8;
  return frame.pts && (steady || !frame.best) ? frame.pts : frame.best;
}

bool PresentationTimes::IsOutlier(const FrameTime& frame, int64_t time,
                                  const FrameTime* next) const {
  const std::optional<int64_t> next_time = next == nullptr ? std::nullopt : TimeOf(*next);
  if (!last_) return start_ && next_time && *start_ <= *next_time && *next_time < time;
  if (next_time && *next_time > *last_ && *next_time < time) return true;
  if (time - (*last_ + last_duration_) <= far_) return false;
  if (!frame.dts) return end_ && time - *end_ > far_;
  if (time - *frame.dts <= far_) return false;
  return next == nullptr || !next->dts || time - *next->dts > far_;
}

int64_t PresentationTimes::Estimate(const FrameTime* next) const {
  if (!last_) return start_.value_or(0);
  const int64_t expected = *last_ + last_duration_;
  const std::optional<int64_t> next_time = next == nullptr ? std::nullopt : TimeOf(*next);
  if (!next_time || *next_time <= *last_ || *next_time > expected) return expected;
  return *last_ + (*next_time - *last_) / 2;
}

}  // namespace slimreel
