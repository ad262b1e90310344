// When each frame is shown, where a container gives no time, or a wrong one. Pure.
//
// See Note [Which times are believed].
#ifndef DATA_DECODE_PRESENTATION_TIMES_H_
#define DATA_DECODE_PRESENTATION_TIMES_H_

#include <cstdint>
#include <optional>

namespace slimreel {

// What the container and the codec say of one frame. Ticks of the stream's time base.
struct FrameTime {
  std::optional<int64_t> pts = std::nullopt;
  std::optional<int64_t> dts =
      std::nullopt;  // of the packet that brought the frame out of the codec
  std::optional<int64_t> best =
      std::nullopt;      // libavcodec's best effort: pts, or dts where that is steadier
  int64_t duration = 1;  // > 0
};

class PresentationTimes {
 public:
  // `start` and `end`: of the stream, as the container says. `far`: see the note.
  PresentationTimes(std::optional<int64_t> start, std::optional<int64_t> end, int64_t far)
      : start_(start), end_(end), far_(far) {}

  struct Judged {
    int64_t pts = 0;  // never below that of the frame before
    bool estimated = false;
  };
  // In presentation order, each frame once. `next` is the frame after it, null at the end.
  Judged Judge(const FrameTime& frame, const FrameTime* next);

 private:
  std::optional<int64_t> TimeOf(const FrameTime& frame) const;
  bool IsOutlier(const FrameTime& frame, int64_t time, const FrameTime* next) const;
  int64_t Estimate(const FrameTime* next) const;

  const std::optional<int64_t> start_;
  const std::optional<int64_t> end_;
  const int64_t far_;
  std::optional<int64_t> last_;  // as judged
  int64_t last_duration_ = 0;
  std::optional<int64_t> last_said_;  // the pts that was said of the frame before
  int64_t frames_ = 0;
  int64_t falls_ = 0;  // frames whose pts was not above that of the frame before
};

}  // namespace slimreel

#endif  // DATA_DECODE_PRESENTATION_TIMES_H_
