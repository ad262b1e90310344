#include "data/decode/video_decoder.h"

extern "C" {
#include <libavutil/pixdesc.h>
#include <libavutil/rational.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/decode/demuxer.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"
#include "data/decode/rgb_converter.h"

namespace slimreel {
namespace {

constexpr AVRational kMicroseconds{1, 1000000};

std::string OrUnknown(const char* name) { return name == nullptr ? "unknown" : name; }

std::optional<DisplayMatrix> StreamMatrix(const AVStream& stream) {
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (data == nullptr || size < sizeof(DisplayMatrix)) return std::nullopt;
  DisplayMatrix matrix;
  std::memcpy(matrix.data(), data, sizeof(matrix));
  return matrix;
}

VideoStream Describe(const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  VideoStream described;
  described.codec = avcodec_get_name(codec.codec_id);
  described.pixel_format = OrUnknown(av_get_pix_fmt_name(static_cast<AVPixelFormat>(codec.format)));
  described.color_range = OrUnknown(av_color_range_name(codec.color_range));
  described.color_matrix = OrUnknown(av_color_space_name(codec.color_space));
  described.index = stream.index;
  described.width = codec.width;
  described.height = codec.height;
  described.time_base_num = stream.time_base.num;
  described.time_base_den = stream.time_base.den;
  described.start_pts = stream.start_time == AV_NOPTS_VALUE ? 0 : stream.start_time;
  described.header_frames = stream.nb_frames;
  if (stream.avg_frame_rate.den != 0) described.average_fps = av_q2d(stream.avg_frame_rate);
  return described;
}

absl::StatusOr<CodecContextPtr> OpenCodec(const std::string& path, const AVStream& stream,
                                          int threads) {
  const char* name = avcodec_get_name(stream.codecpar->codec_id);
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  if (codec == nullptr) {
    return MediaError(absl::StatusCode::kUnimplemented, kReasonNoDecoder,
                      absl::StrCat(path, ": this FFmpeg has no decoder for ", name));
  }
  CodecContextPtr context(avcodec_alloc_context3(codec));
  int error = context == nullptr ? AVERROR(ENOMEM)
                                 : avcodec_parameters_to_context(context.get(), stream.codecpar);
  if (error >= 0) {
    context->pkt_timebase = stream.time_base;
    context->thread_count = threads;
    error = avcodec_open2(context.get(), codec, nullptr);
  }
  if (error < 0) {
    return MediaError(
        absl::StatusCode::kInvalidArgument, kReasonNoDecoder,
        absl::StrCat(path, ": cannot open the decoder for ", name, ": ", LibavErrorText(error)));
  }
  return context;
}

class LibavVideoDecoder : public VideoDecoder {
 public:
  LibavVideoDecoder(std::string path, const VideoDecoderOptions& options,
                    std::unique_ptr<Demuxer> demuxer, CodecContextPtr codec)
      : path_(std::move(path)),
        options_(options),
        demuxer_(std::move(demuxer)),
        codec_(std::move(codec)),
        stream_(Describe(*demuxer_->stream())),
        matrix_(StreamMatrix(*demuxer_->stream())),
        converter_(options.sizing, options.threads, demuxer_->stream()->time_base) {}

  absl::StatusOr<bool> Next() override;
  void CopyRgb(absl::Span<uint8_t> out) const override;
  const FrameInfo& frame() const override { return info_; }
  FrameSize size() const override { return converter_.output_size(); }
  FrameSize upright_size() const override { return converter_.upright_size(); }
  double rotation() const override { return converter_.rotation(); }
  const VideoStream& stream() const override { return stream_; }
  const DecodeStats& stats() const override { return stats_; }

 private:
  absl::Status Feed();
  absl::Status SendPacket();
  absl::Status CountError(int error);
  absl::Status Emit();
  void FillTimes();

  const std::string path_;
  const VideoDecoderOptions options_;
  std::unique_ptr<Demuxer> demuxer_;
  CodecContextPtr codec_;
  VideoStream stream_;
  const std::optional<DisplayMatrix> matrix_;
  RgbConverter converter_;
  PacketPtr packet_ = NewPacket();
  FramePtr decoded_ = NewFrame();
  const AVFrame* rgb_ = nullptr;  // owned by converter_
  bool packet_waits_ = false;     // the codec was full: offer it again
  bool draining_ = false;
  int consecutive_errors_ = 0;
  int64_t last_pts_ = AV_NOPTS_VALUE;    // ticks
  int64_t last_duration_ = 0;            // ticks
  int64_t origin_pts_ = AV_NOPTS_VALUE;  // ticks
  FrameInfo info_;
  DecodeStats stats_;
};

absl::StatusOr<bool> LibavVideoDecoder::Next() {
  for (;;) {
    const int error = avcodec_receive_frame(codec_.get(), decoded_.get());
    if (error == 0) {
      SLIMREEL_RETURN_IF_ERROR(Emit());
      return true;
    }
    if (error == AVERROR_EOF) return false;
    if (error != AVERROR(EAGAIN)) SLIMREEL_RETURN_IF_ERROR(CountError(error));
    if (!draining_) {
      SLIMREEL_RETURN_IF_ERROR(Feed());
    } else if (error == AVERROR(EAGAIN)) {
      return false;  // a codec that will not flush has nothing more to give
    }
  }
}

// Gives the codec one packet, or tells it that none is left.
absl::Status LibavVideoDecoder::Feed() {
  if (demuxer_->interrupted()) {
    return absl::CancelledError(absl::StrCat(path_, ": decoding was stopped"));
  }
  if (packet_waits_) return SendPacket();
  av_packet_unref(packet_.get());
  SLIMREEL_ASSIGN_OR_RETURN(const bool more, demuxer_->Read(packet_.get()));
  stats_.packets = demuxer_->packets();
  stats_.truncated = demuxer_->truncated();
  if (more) return SendPacket();
  draining_ = true;
  avcodec_send_packet(codec_.get(), nullptr);
  return absl::OkStatus();
}

absl::Status LibavVideoDecoder::SendPacket() {
  const int error = avcodec_send_packet(codec_.get(), packet_.get());
  packet_waits_ = error == AVERROR(EAGAIN);
  if (error >= 0 || packet_waits_ || error == AVERROR_EOF) return absl::OkStatus();
  return CountError(error);
}

absl::Status LibavVideoDecoder::CountError(int error) {
  ++stats_.damaged_packets;
  if (++consecutive_errors_ < options_.max_consecutive_errors) return absl::OkStatus();
  return MediaError(
      absl::StatusCode::kDataLoss, kReasonTooDamaged,
      absl::StrFormat("%s: gave up after %d damaged packets in a row (%s), %d frames "
                      "decoded before",
                      path_, consecutive_errors_, LibavErrorText(error), stats_.frames));
}

absl::Status LibavVideoDecoder::Emit() {
  consecutive_errors_ = 0;
  FillTimes();
  info_.number = stats_.frames++;
  info_.key = FrameIsKey(*decoded_);
  info_.damaged = decoded_->decode_error_flags != 0 || (decoded_->flags & AV_FRAME_FLAG_CORRUPT);
  if (info_.damaged) ++stats_.damaged_frames;
  if (info_.number == 0) {
    stream_.color_range = OrUnknown(av_color_range_name(decoded_->color_range));
    stream_.color_matrix = OrUnknown(av_color_space_name(decoded_->colorspace));
    stream_.pixel_format =
        OrUnknown(av_get_pix_fmt_name(static_cast<AVPixelFormat>(decoded_->format)));
  }
  auto rgb = converter_.Convert(decoded_.get(), matrix_);
  stats_.size_changes = converter_.size_changes();
  if (!rgb.ok()) {
    return absl::Status(rgb.status().code(), absl::StrCat(path_, ": ", rgb.status().message()));
  }
  rgb_ = *rgb;
  return absl::OkStatus();
}

// Presentation times. A container without them, or one whose times go back, is
// continued by the duration of the frame before.
void LibavVideoDecoder::FillTimes() {
  const AVStream& stream = *demuxer_->stream();
  int64_t duration = FrameDuration(*decoded_);
  if (duration <= 0) {
    const AVRational fps =
        stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : AVRational{25, 1};
    duration = std::max<int64_t>(1, av_rescale_q(1, av_inv_q(fps), stream.time_base));
  }
  int64_t pts = decoded_->best_effort_timestamp;
  const bool first = last_pts_ == AV_NOPTS_VALUE;
  info_.pts_estimated = pts == AV_NOPTS_VALUE || (!first && pts <= last_pts_);
  if (info_.pts_estimated) {
    pts = first ? stream_.start_pts : last_pts_ + last_duration_;
    ++stats_.estimated_pts;
  }
  if (first) {
    // "The stream's own start" is what the container says, unless a frame is earlier.
    origin_pts_ = stream.start_time == AV_NOPTS_VALUE ? pts : std::min(pts, stream.start_time);
    stream_.start_pts = origin_pts_;
  }
  last_pts_ = pts;
  last_duration_ = duration;
  info_.pts_us = av_rescale_q(pts - origin_pts_, stream.time_base, kMicroseconds);
  info_.duration_us = av_rescale_q(duration, stream.time_base, kMicroseconds);
}

void LibavVideoDecoder::CopyRgb(absl::Span<uint8_t> out) const {
  const size_t row = size_t{3} * rgb_->width;
  const uint8_t* from = rgb_->data[0];
  uint8_t* to = out.data();
  for (int y = 0; y < rgb_->height; ++y, from += rgb_->linesize[0], to += row) {
    std::memcpy(to, from, row);
  }
}

std::string Version(unsigned version) {
  return absl::StrFormat("%d.%d.%d", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                         AV_VERSION_MICRO(version));
}

}  // namespace

absl::StatusOr<std::unique_ptr<VideoDecoder>> VideoDecoder::Open(
    const std::string& path, const VideoDecoderOptions& options) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Demuxer> demuxer,
                            Demuxer::Open(path, "V:0", options.interrupted));
  SLIMREEL_ASSIGN_OR_RETURN(CodecContextPtr codec,
                            OpenCodec(path, *demuxer->stream(), options.threads));
  return std::make_unique<LibavVideoDecoder>(path, options, std::move(demuxer), std::move(codec));
}

std::string PartialReason(const DecodeStats& stats) {
  if (stats.truncated) return std::string(kReasonTruncated);
  const bool damaged = stats.damaged_packets > 0 || stats.damaged_frames > 0;
  return damaged ? std::string(kReasonDamagedPackets) : "";
}

std::map<std::string, std::string> LibavVersions() {
  return {{"libavformat", Version(avformat_version())},
          {"libavcodec", Version(avcodec_version())},
          {"libavfilter", Version(avfilter_version())},
          {"libswscale", Version(swscale_version())}};
}

}  // namespace slimreel
