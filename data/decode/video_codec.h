// The decoder of one video stream: takes packets, gives frames, and tells what its errors mean.
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

  // As avcodec_send_packet and avcodec_receive_frame. A null packet marks the end.
  int Send(const AVPacket* packet);
  int Receive(AVFrame* frame);

  // What a negative return value of Send or Receive means: OK if only a packet is damaged (or the
  // codec waits for more), else an error of the machine, or one with the reason `frame_too_large`.
  absl::Status FatalErrorOf(int error) const;

 private:
  explicit VideoCodec(std::string path) : path_(std::move(path)) {}
  static int GetBuffer(AVCodecContext* context, AVFrame* frame, int flags);
  bool RefusedTheSize(int error) const;

  const std::string path_;
  int64_t max_bytes_ = 0;
  // Written by GetBuffer, on any thread of libavcodec.
  std::atomic<int64_t> refused_bytes_{0};
  std::atomic<bool> no_memory_{false};
  CodecContextPtr context_;  // declared last: its threads write to the members above
};

}  // namespace slimreel

#endif  // DATA_DECODE_VIDEO_CODEC_H_
