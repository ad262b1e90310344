#include "data/decode/presentation_times.h"

namespace slimreel {

// Note [Which times are believed]
//
// A frame's pts is believed, except in these cases:
// - The frame has no pts. libavcodec's best effort, which is the dts, stands in.
// - The pts is not above that of the frame before.
// - The pts is above that of the next frame, and the next frame's pts is above that of the frame
//   before. Then this frame is the outlier. The rule looks at order only, so the gaps of a variable
//   frame rate are kept.
// - The pts is more than `max_leap` above the expected time, more than `max_leap` above the frame's
//   own dts, and more than `max_leap` above the next frame's dts. (A true gap moves the dts as
//   well.) This rule finds several outliers in a row. The last frames have no dts; the end of the
//   stream stands in for it, if the container stores that end separately from the times of the
//   frames (Matroska does not).
// The time of such a frame is estimated: the time of the frame before plus its duration, or less,
// so that it stays below the next frame's time. One wrong time never costs the next one.
//
// In some files the pts falls again and again (in more than one frame of eight). They carry their
// pts in decoding order, so libavcodec's best effort is used for all their frames. If streams were
// joined end to end, the times of the later part start below those already shown; all frames of
// the later part then get estimated times.
ChosenTime PresentationTimes::Choose(const FrameTime& frame, const FrameTime* next) {
  ++frames_;
  if (frame.pts && last_pts_ && *frame.pts <= *last_pts_) ++falls_;
  if (frame.pts) last_pts_ = frame.pts;
  const std::optional<int64_t> time = TimeOf(frame);
  ChosenTime chosen;
  chosen.estimated = !time || (last_ && *time <= *last_) || IsOutlier(frame, *time, next);
  chosen.pts = chosen.estimated ? Estimate(next) : *time;
  last_ = chosen.pts;
  last_duration_ = frame.duration;
  return chosen;
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
  if (time - (*last_ + last_duration_) <= max_leap_) return false;
  if (!frame.dts) return end_ && time - *end_ > max_leap_;
  if (time - *frame.dts <= max_leap_) return false;
  return next == nullptr || !next->dts || time - *next->dts > max_leap_;
}

int64_t PresentationTimes::Estimate(const FrameTime* next) const {
  if (!last_) return start_.value_or(0);
  const int64_t expected = *last_ + last_duration_;
  const std::optional<int64_t> next_time = next == nullptr ? std::nullopt : TimeOf(*next);
  if (!next_time || *next_time <= *last_ || *next_time > expected) return expected;
  return *last_ + (*next_time - *last_) / 2;
}

}  // namespace slimreel
