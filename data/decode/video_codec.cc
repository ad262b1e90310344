#include "data/decode/video_codec.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "data/decode/frame_bytes.h"
#include "data/decode/frame_size.h"
#include "data/decode/media_error.h"
#include "data/decode/system_error.h"

namespace slimreel {

// Note [Bounds on decoded frames]
//
// A few bytes can announce a picture of gigabytes, at the start of a stream or in its middle. Three
// checks come before the allocation: the size that the container gives (Demuxer and Open);
// `max_pixels`, which codecs check before they allocate their own tables; and GetBuffer, which
// allocates the frame and knows its exact size. Codecs often replace GetBuffer's error by "invalid
// data", so GetBuffer also remembers why it refused.
absl::StatusOr<std::unique_ptr<VideoCodec>> VideoCodec::Open(const std::string& path,
                                                             const AVStream& stream,
                                                             const VideoCodecOptions& options) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const char* name = avcodec_get_name(parameters.codec_id);
  const AVCodec* decoder = avcodec_find_decoder(parameters.codec_id);
  if (decoder == nullptr) {
    return MediaError(absl::StatusCode::kUnimplemented, kReasonNoDecoder,
                      absl::StrCat(path, ": this FFmpeg has no decoder for ", name));
  }
  std::unique_ptr<VideoCodec> codec(new VideoCodec(path));
  codec->max_bytes_ = options.max_decoded_frame_bytes;
  codec->context_.reset(avcodec_alloc_context3(decoder));
  AVCodecContext* const context = codec->context_.get();
  if (context == nullptr) return ErrnoStatus(path, ENOMEM);
  int error = avcodec_parameters_to_context(context, &parameters);
  if (error >= 0) {
    context->pkt_timebase = stream.time_base;
    context->thread_count = options.threads;
    context->opaque = codec.get();
    context->get_buffer2 = GetBuffer;
    // Every format has at least one byte per pixel, except a few black and white ones.
    if (codec->max_bytes_ > 0) context->max_pixels = codec->max_bytes_;
    error = avcodec_open2(context, decoder, nullptr);
  }
  if (error >= 0) return codec;
  if (absl::Status machine = MachineErrorOf(path, error); !machine.ok()) return machine;
  return MediaError(
      absl::StatusCode::kInvalidArgument, kReasonNoDecoder,
      absl::StrCat(path, ": cannot open the decoder for ", name, ": ", LibavErrorText(error)));
}

int VideoCodec::GetBuffer(AVCodecContext* context, AVFrame* frame, int flags) {
  VideoCodec& self = *static_cast<VideoCodec*>(context->opaque);
  const int64_t bytes = DecodedBytes({frame->width, frame->height}, frame->format);
  if (self.max_bytes_ > 0 && bytes > self.max_bytes_) {
    self.refused_bytes_ = bytes;
    return AVERROR(EINVAL);
  }
  const int error = avcodec_default_get_buffer2(context, frame, flags);
  if (error == AVERROR(ENOMEM)) self.no_memory_ = true;
  return error;
}

int VideoCodec::Send(const AVPacket* packet) { return avcodec_send_packet(context_.get(), packet); }

int VideoCodec::Receive(AVFrame* frame) {
  const int error = avcodec_receive_frame(context_.get(), frame);
  if (error >= 0) {
    // Checks again, for codecs that do not call GetBuffer.
    const int64_t bytes = DecodedBytes({frame->width, frame->height}, frame->format);
    if (max_bytes_ > 0 && bytes > max_bytes_) refused_bytes_ = bytes;
  }
  // A codec may hide that it got no memory for a picture, and go on without the picture.
  return refused_bytes_ > 0 || no_memory_ ? AVERROR(EINVAL) : error;
}

absl::Status VideoCodec::FatalErrorOf(int error) const {
  const int64_t refused = refused_bytes_;
  if (refused > 0 || RefusedTheSize(error)) {
    return MediaError(
        absl::StatusCode::kInvalidArgument, kReasonFrameTooLarge,
        absl::StrFormat("%s: a decoded frame takes %s bytes, and the bound is %d", path_,
                        refused > 0 ? absl::StrCat(refused) : "too many", max_bytes_));
  }
  if (!no_memory_) return MachineErrorOf(path_, error);
  if (MemoryIsShort()) return MachineErrorOf(path_, AVERROR(ENOMEM));
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonFrameTooLarge,
                    absl::StrCat(path_, ": a decoded frame is larger than libavcodec can hold"));
}

// Whether a picture above max_pixels caused `error`. Such a picture leaves a context with its size,
// or with no size (ff_set_dimensions), or dav1d's own error.
bool VideoCodec::RefusedTheSize(int error) const {
  if (max_bytes_ <= 0) return false;
  const AVCodecContext& context = *context_;
  if (context.width == 0 && context.height == 0) return error == AVERROR(EINVAL);
  const FrameSize size = {context.width, context.height};
  return DecodedBytes(size, context.pix_fmt) > max_bytes_ || error == AVERROR(ERANGE);
}

}  // namespace slimreel
