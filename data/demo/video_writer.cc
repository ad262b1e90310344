#include "data/demo/video_writer.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "data/decode/libav_handles.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace slimreel {
namespace {

absl::Status LibavError(absl::string_view what, int code) {
  return absl::InternalError(
      absl::StrCat("cannot encode video: ", what, ": ", LibavErrorText(code)));
}

// Converts to BT.601, limited range, in 8-bit fixed point. Chroma is the mean of 2 x 2 pixels. We
// do not use swscale: it reads past the end of RGB rows without padding, so the last pixels would
// depend on the memory there.
void ConvertToYuv420(const uint8_t* rgb, AVFrame* frame) {
  const int width = frame->width;
  for (int y = 0; y < frame->height; ++y) {
    const uint8_t* pixel = rgb + static_cast<int64_t>(y) * width * 3;
    uint8_t* luma = frame->data[0] + static_cast<int64_t>(y) * frame->linesize[0];
    for (int x = 0; x < width; ++x, pixel += 3) {
      luma[x] = ((66 * pixel[0] + 129 * pixel[1] + 25 * pixel[2] + 128) >> 8) + 16;
    }
  }
  for (int y = 0; y < frame->height / 2; ++y) {
    const uint8_t* top = rgb + static_cast<int64_t>(2 * y) * width * 3;
    const uint8_t* bottom = top + static_cast<int64_t>(width) * 3;
    uint8_t* blue = frame->data[1] + static_cast<int64_t>(y) * frame->linesize[1];
    uint8_t* red = frame->data[2] + static_cast<int64_t>(y) * frame->linesize[2];
    for (int x = 0; x < width / 2; ++x, top += 6, bottom += 6) {
      const int r = top[0] + top[3] + bottom[0] + bottom[3];
      const int g = top[1] + top[4] + bottom[1] + bottom[4];
      const int b = top[2] + top[5] + bottom[2] + bottom[5];
      blue[x] = ((-38 * r - 74 * g + 112 * b + 512) >> 10) + 128;
      red[x] = ((112 * r - 94 * g - 18 * b + 512) >> 10) + 128;
    }
  }
}

class Mp4Encoder {
 public:
  absl::Status Open(int width, int height, const VideoEncoding& encoding);
  absl::Status Encode(const uint8_t* rgb, int64_t frame_number);
  absl::StatusOr<std::string> Finish();

 private:
  absl::Status OpenCodec(int width, int height, const VideoEncoding& encoding);
  absl::Status OpenMuxer();
  absl::Status Drain();  // hands every packet that is ready to the muxer

  CodecContextPtr codec_;
  MuxerPtr muxer_;
  FramePtr frame_;
  PacketPtr packet_;
  AVStream* stream_ = nullptr;  // the muxer's
};

absl::Status Mp4Encoder::OpenCodec(int width, int height, const VideoEncoding& encoding) {
  const AVCodec* codec = avcodec_find_encoder_by_name(encoding.codec.c_str());
  if (codec == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("this FFmpeg has no encoder '", encoding.codec,
                     "'; install an FFmpeg that has it (Debian's libavcodec has libx264)"));
  }
  codec_.reset(avcodec_alloc_context3(codec));
  codec_->width = width;
  codec_->height = height;
  codec_->pix_fmt = AV_PIX_FMT_YUV420P;
  codec_->color_range = AVCOL_RANGE_MPEG;
  codec_->colorspace = AVCOL_SPC_SMPTE170M;
  codec_->time_base = {1, encoding.frames_per_second};
  codec_->framerate = {encoding.frames_per_second, 1};
  codec_->gop_size = encoding.keyframe_interval;
  codec_->max_b_frames = encoding.max_b_frames;
  codec_->thread_count = 1;
  // libx264 logs each file at level info; lower that to debug.
  codec_->log_level_offset = AV_LOG_DEBUG - AV_LOG_INFO;
  codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  // Options of libx264. Other encoders may refuse them, which does no harm.
  av_opt_set(codec_->priv_data, "preset", encoding.preset.c_str(), 0);
  av_opt_set_int(codec_->priv_data, "crf", encoding.crf, 0);
  // x264's macroblock-tree rate control (its SIMD form) gives other bits from call to call on
  // pictures a few macroblocks wide. It did so on one clip in twenty; without it, never.
  av_opt_set_int(codec_->priv_data, "mbtree", 0, 0);
  // With b_strategy on, x264 leaves out B-frames that do not help. These clips must have them.
  av_opt_set_int(codec_->priv_data, "b_strategy", 0, 0);
  const int error = avcodec_open2(codec_.get(), codec, nullptr);
  return error < 0 ? LibavError("opening the encoder", error) : absl::OkStatus();
}

absl::Status Mp4Encoder::OpenMuxer() {
  AVFormatContext* muxer = nullptr;
  int error = avformat_alloc_output_context2(&muxer, nullptr, "mp4", nullptr);
  if (error < 0) return LibavError("making the muxer", error);
  muxer_.reset(muxer);
  muxer_->flags |= AVFMT_FLAG_BITEXACT;
  stream_ = avformat_new_stream(muxer_.get(), nullptr);
  if (stream_ == nullptr) return LibavError("making the stream", AVERROR(ENOMEM));
  stream_->time_base = codec_->time_base;
  stream_->avg_frame_rate = codec_->framerate;
  error = avcodec_parameters_from_context(stream_->codecpar, codec_.get());
  if (error >= 0) error = avio_open_dyn_buf(&muxer_->pb);
  if (error >= 0) error = avformat_write_header(muxer_.get(), nullptr);
  return error < 0 ? LibavError("opening the muxer", error) : absl::OkStatus();
}

absl::Status Mp4Encoder::Open(int width, int height, const VideoEncoding& encoding) {
  absl::Status status = OpenCodec(width, height, encoding);
  if (status.ok()) status = OpenMuxer();
  if (!status.ok()) return status;
  frame_ = NewFrame();
  packet_ = NewPacket();
  if (!frame_ || !packet_) return LibavError("set-up", AVERROR(ENOMEM));
  frame_->format = codec_->pix_fmt;
  frame_->width = width;
  frame_->height = height;
  frame_->color_range = codec_->color_range;
  frame_->colorspace = codec_->colorspace;
  const int error = av_frame_get_buffer(frame_.get(), 0);
  return error < 0 ? LibavError("allocating a frame", error) : absl::OkStatus();
}

absl::Status Mp4Encoder::Drain() {
  while (true) {
    int error = avcodec_receive_packet(codec_.get(), packet_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return absl::OkStatus();
    if (error < 0) return LibavError("encoding", error);
    packet_->duration = 1;
    packet_->stream_index = stream_->index;
    av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
    error = av_interleaved_write_frame(muxer_.get(), packet_.get());
    if (error < 0) return LibavError("writing a packet", error);
  }
}

absl::Status Mp4Encoder::Encode(const uint8_t* rgb, int64_t frame_number) {
  // The encoder may still be reading the previous frame.
  int error = av_frame_make_writable(frame_.get());
  if (error < 0) return LibavError("allocating a frame", error);
  ConvertToYuv420(rgb, frame_.get());
  frame_->pts = frame_number;
  error = avcodec_send_frame(codec_.get(), frame_.get());
  if (error < 0) return LibavError("sending a frame", error);
  return Drain();
}

absl::StatusOr<std::string> Mp4Encoder::Finish() {
  int error = avcodec_send_frame(codec_.get(), nullptr);
  if (error < 0) return LibavError("flushing", error);
  if (absl::Status status = Drain(); !status.ok()) return status;
  error = av_write_trailer(muxer_.get());
  if (error < 0) return LibavError("writing the trailer", error);
  return TakeMemoryOutput(muxer_.get());
}

}  // namespace

absl::StatusOr<std::string> EncodeMp4(const uint8_t* frames, int num_frames, int width, int height,
                                      const VideoEncoding& encoding) {
  if (num_frames <= 0 || width <= 0 || height <= 0 || width % 2 != 0 || height % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot encode ", num_frames, " frames of ", width, "x", height,
        ": at least one frame is needed, and width and height must be even and above 0"));
  }
  Mp4Encoder encoder;
  absl::Status status = encoder.Open(width, height, encoding);
  for (int i = 0; i < num_frames && status.ok(); ++i) {
    status = encoder.Encode(frames + static_cast<int64_t>(i) * width * height * 3, i);
  }
  if (!status.ok()) return status;
  return encoder.Finish();
}

}  // namespace slimreel
