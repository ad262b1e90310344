// The frames of one video file, in presentation order, as upright RGB24.
//
// Threading: one thread at a time; FFmpeg's own threads stay inside.
// An error is CANCELLED, the file's with a reason code, or the machine's without one
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
  // Of the codec and of swscale; 0: as many as FFmpeg likes. Files with damage
  // decode differently with other counts: frames that are stored take 1.
  int threads = 1;
  FrameSizing sizing;
  // Bytes of packets in a row that give an error and no frame, before the file is given up as
  // `too_damaged`. ffmpeg never gives up; the time below bounds what is damaged in small pieces.
  int64_t max_damaged_bytes = int64_t{1} << 30;
  // A decoded picture over this is refused as `frame_too_large` before memory is taken; 0: no
  // bound. A decoder holds up to some 20 of them (the codec's references, and two here).
  int64_t max_decoded_frame_bytes = 0;
  // Likewise of the RGB frame after resizing.
  int64_t max_output_frame_bytes = int64_t{256} << 20;
  // Time in Open, or in one Next, without a frame, before the file is given up as `no_progress`;
  // 0: none. What the caller does between two calls does not count.
  int64_t progress_timeout_us = 60'000'000;
  std::function<int64_t()> clock_us;  // empty: the steady clock
  // Polled between packets and inside of blocking reads; true ends with CANCELLED.
  std::function<bool()> interrupted;
};

// What the container says (size and counts are to be taken from frames).
struct VideoStream {
  std::string codec;         // "h264"
  std::string pixel_format;  // "yuv420p"
  std::string color_range;   // "tv", "pc" or "unknown"; once a frame is out, the frame's
  std::string color_matrix;  // "bt709", "smpte170m", ..., "unknown"; likewise
  int index = 0;             // in the container
  int width = 0;             // pixels as coded, before rotation
  int height = 0;
  int64_t time_base_num = 0;  // seconds per tick
  int64_t time_base_den = 1;
  int64_t start_pts = 0;      // ticks; what pts_us counts from
  int64_t header_frames = 0;  // 0: not said. Never to be trusted
  double average_fps = 0;     // 0: not known
};

struct FrameInfo {
  int64_t number = -1;  // from 0, in presentation order
  int64_t pts_us = 0;   // from the stream's own start, never falling
  int64_t duration_us = 0;
  bool key = false;
  bool pts_estimated = false;  // the container gave none, or a wrong one (presentation_times.h)
  bool damaged = false;        // the decoder concealed errors in it
};

struct DecodeStats {
  int64_t frames = 0;
  int64_t packets = 0;
  int64_t damaged_packets = 0;  // rejected by the codec; what others gave is kept
  int64_t damaged_frames = 0;
  int64_t estimated_pts = 0;
  int64_t size_changes = 0;  // in the middle; such frames are brought to the first one's size
  bool truncated = false;    // pictures are missing behind the file's end (demuxer.h)
};

// Why a video that was read to its end did not give all that it held: a code of
// media_error.h; empty: it did.
std::string PartialReason(const DecodeStats& stats);

class VideoDecoder {
 public:
  virtual ~VideoDecoder() = default;

  // Takes the first video stream that is no cover picture (ffmpeg's 0:V:0).
  static absl::StatusOr<std::unique_ptr<VideoDecoder>> Open(const std::string& path,
                                                            const VideoDecoderOptions& options);

  // Goes to the next frame; false at the end. Damaged packets are passed over and counted. An
  // error of the file comes behind all frames that were decoded before it, and is final.
  virtual absl::StatusOr<bool> Next() = 0;

  // Of the frame that Next went to.
  virtual const FrameInfo& frame() const = 0;
  virtual FrameSize size() const = 0;          // of the RGB frame, the same for all
  virtual FrameSize upright_size() const = 0;  // after rotation, before resizing
  virtual double rotation() const = 0;         // degrees clockwise that were applied
  // Writes [height, width, 3] uint8 with tight rows; out.size() == size().rgb_bytes().
  virtual void CopyRgb(absl::Span<uint8_t> out) const = 0;

  virtual const VideoStream& stream() const = 0;
  virtual const DecodeStats& stats() const = 0;
};

// {"libavcodec": "59.37.100", ...}: frames may differ with others.
std::map<std::string, std::string> LibavVersions();

}  // namespace slimreel

#endif  // DATA_DECODE_VIDEO_DECODER_H_
