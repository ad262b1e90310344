// The decoder of one video stream: packets in, frames out, and what its errors mean.
//
// Threading: one thread at a time; libavcodec's own threads stay inside. Owns the codec.
#ifndef DATA_DECODE_VIDEO_CODEC_H_
#define DATA_DECODE_VIDEO_CODEC_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/decode/libav_handles.h"

namespace slimreel {

struct VideoCodecOptions {
  int threads = 1;
  int64_t max_decoded_frame_bytes = 0;  // 0: no bound
};

class VideoCodec {
 public:
  static absl::StatusOr<std::unique_ptr<VideoCodec>> Open(const std::string& path,
                                                          const AVStream& stream,
                                                          const VideoCodecOptions& options);
  VideoCodec(const VideoCodec&) = delete;
  VideoCodec& operator=(const VideoCodec&) = delete;

  // As avcodec_send_packet and avcodec_receive_frame. Null tells of the end.
  int Send(const AVPacket* packet);
  int Receive(AVFrame* frame);

  // Of a negative value that Send or Receive gave: OK where a packet is damaged (or the codec
  // waits), the machine's error, or the reason `frame_too_large`.
  absl::Status Judge(int error) const;

 private:
  explicit VideoCodec(std::string path) : path_(std::move(path)) {}
  static int GetBuffer(AVCodecContext* context, AVFrame* frame, int flags);
  bool RefusedTheSize(int error) const;

  const std::string path_;
  int64_t max_bytes_ = 0;
  // Written by GetBuffer, on whatever thread libavcodec decodes.
  std::atomic<int64_t> refused_bytes_{0};
  std::atomic<bool> no_memory_{false};
  CodecContextPtr context_;  // last: its threads end before the members that they write to
};

}  // namespace slimreel

#endif  // DATA_DECODE_VIDEO_CODEC_H_
