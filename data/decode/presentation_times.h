// Chooses the time at which each frame is shown, also if the container gives no time or a wrong
// one. Computes only: no libav, no files.
//
// See Note [Which times are believed] in presentation_times.cc.
// Threading: one thread at a time.
#ifndef DATA_DECODE_PRESENTATION_TIMES_H_
#define DATA_DECODE_PRESENTATION_TIMES_H_

#include <cstdint>
#include <optional>

namespace slimreel {

// What the container and the codec say about one frame, in ticks of the stream's time base.
struct FrameTime {
  std::optional<int64_t> pts = std::nullopt;
  // Of the packet that made the codec give the frame.
  std::optional<int64_t> dts = std::nullopt;
  // libavcodec's best effort: the pts, or the dts if that is steadier.
  std::optional<int64_t> best = std::nullopt;
  int64_t duration = 1;  // > 0
};

struct ChosenTime {
  int64_t pts = 0;         // never below that of the frame before
  bool estimated = false;  // true: not the pts that the container gave
};

class PresentationTimes {
 public:
  // `start` and `end`: of the stream, as the container says. `max_leap`: in ticks; see the note.
  PresentationTimes(std::optional<int64_t> start, std::optional<int64_t> end, int64_t max_leap)
      : start_(start), end_(end), max_leap_(max_leap) {}

  // Call it in presentation order, once for each frame. `next` is the frame after it; null if
  // there is none.
  ChosenTime Choose(const FrameTime& frame, const FrameTime* next);

 private:
  std::optional<int64_t> TimeOf(const FrameTime& frame) const;
  bool IsOutlier(const FrameTime& frame, int64_t time, const FrameTime* next) const;
  int64_t Estimate(const FrameTime* next) const;

  const std::optional<int64_t> start_;
  const std::optional<int64_t> end_;
  const int64_t max_leap_;
  std::optional<int64_t> last_;  // the chosen time of the frame before
  int64_t last_duration_ = 0;
  std::optional<int64_t> last_pts_;  // the pts that the container gave the frame before
  int64_t frames_ = 0;
  int64_t falls_ = 0;  // frames whose pts was not above that of the frame before
};

}  // namespace slimreel

#endif  // DATA_DECODE_PRESENTATION_TIMES_H_
