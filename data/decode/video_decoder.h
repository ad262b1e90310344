// Decodes one video file: its frames in presentation order, upright, as RGB24. This header is free
// of FFmpeg.
//
// Threading: one thread at a time; FFmpeg's own threads stay inside.
// Errors: CANCELLED, an error of the file with a reason code, or one of the machine without a code
// (media_error.h).
//
//   auto decoder = VideoDecoder::Open(path, options);
//   while (*(*decoder)->Next()) (*decoder)->CopyRgb(buffer);
#ifndef DATA_DECODE_VIDEO_DECODER_H_
#define DATA_DECODE_VIDEO_DECODER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "data/decode/frame_size.h"

namespace slimreel {

struct VideoDecoderOptions {
  // For the codec and for swscale; 0: FFmpeg chooses. A damaged file gives other frames with other
  // counts, so frames that are stored must be decoded with 1.
  int threads = 1;
  FrameSizing sizing;
  // If packets in a row give only errors, the file is given up as `too_damaged` after this many
  // bytes. (ffmpeg never gives up.) The timeout below bounds files with many small damaged packets.
  int64_t max_damaged_bytes = int64_t{1} << 30;
  // A larger decoded picture is refused as `frame_too_large` before memory is allocated; 0: no
  // bound. A decoder holds up to about 20 pictures (the codec's references, and two here).
  int64_t max_decoded_frame_bytes = 0;
  // The same bound for the RGB frame after resizing.
  int64_t max_output_frame_bytes = int64_t{256} << 20;
  // If Open, or one call of Next, takes longer than this without a frame, the file is given up as
  // `no_progress`; 0: no limit. The caller's time between two calls does not count.
  int64_t progress_timeout_us = 60'000'000;
  std::function<int64_t()> clock_us;  // empty: the steady clock
  // Polled between packets and before each read; true ends decoding with CANCELLED.
  std::function<bool()> interrupted;
};

// What the container says. For sizes and counts, trust the frames instead.
struct VideoStream {
  std::string codec;         // "h264"
  std::string pixel_format;  // "yuv420p"
  std::string color_range;   // "tv", "pc" or "unknown"; after the first frame, that frame's
  std::string color_matrix;  // "bt709", "smpte170m", ..., "unknown"; as color_range
  int index = 0;             // in the container
  int width = 0;             // pixels as coded, before rotation
  int height = 0;
  int64_t time_base_num = 0;  // seconds per tick
  int64_t time_base_den = 1;
  int64_t start_pts = 0;      // ticks; where pts_us is 0
  int64_t header_frames = 0;  // 0: not given. Often wrong
  double average_fps = 0;     // 0: unknown
};

struct FrameInfo {
  int64_t number = -1;  // from 0, in presentation order
  int64_t pts_us = 0;   // from the start of the stream; never decreases
  int64_t duration_us = 0;
  bool key = false;
  bool pts_estimated = false;  // the container gave no pts, or a wrong one (presentation_times.h)
  bool damaged = false;        // the codec concealed errors in it
};

struct DecodeStats {
  int64_t frames = 0;
  int64_t packets = 0;
  int64_t damaged_packets = 0;  // refused by the codec; frames of the other packets are kept
  int64_t damaged_frames = 0;
  int64_t estimated_pts = 0;
  int64_t size_changes =
      0;  // after the first frame; later frames are resized to the first one's size
  bool truncated = false;  // the file is cut, and pictures are missing (demuxer.h)
};

// Why a video that was read to its end gave fewer frames than it should: a reason code of
// media_error.h; empty if nothing is missing.
std::string PartialReason(const DecodeStats& stats);

class VideoDecoder {
 public:
  virtual ~VideoDecoder() = default;

  // Opens the first video stream, cover pictures not counted (ffmpeg's 0:V:0).
  static absl::StatusOr<std::unique_ptr<VideoDecoder>> Open(const std::string& path,
                                                            const VideoDecoderOptions& options);

  // Moves to the next frame. Returns false at the end. Damaged packets are skipped and counted. An
  // error of the file is returned after all frames decoded before it, and is final.
  virtual absl::StatusOr<bool> Next() = 0;

  // The frame that Next moved to.
  virtual const FrameInfo& frame() const = 0;
  virtual FrameSize size() const = 0;          // of the RGB frames; all have the same
  virtual FrameSize upright_size() const = 0;  // of this frame after rotation, before resizing
  virtual double rotation() const = 0;         // applied to this frame, in degrees clockwise
  // Writes [height, width, 3] uint8 without row padding; out.size() == size().rgb_bytes().
  virtual void CopyRgb(absl::Span<uint8_t> out) const = 0;

  virtual const VideoStream& stream() const = 0;
  virtual const DecodeStats& stats() const = 0;
};

// {"libavcodec": "59.37.100", ...}. Other versions may give other frames.
std::map<std::string, std::string> LibavVersions();

}  // namespace slimreel

#endif  // DATA_DECODE_VIDEO_DECODER_H_
