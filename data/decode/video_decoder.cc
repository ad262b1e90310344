#include "data/decode/video_decoder.h"

extern "C" {
#include <libavutil/pixdesc.h>
#include <libavutil/rational.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "data/decode/demuxer.h"
#include "data/decode/frame_bytes.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"
#include "data/decode/presentation_times.h"
#include "data/decode/rgb_converter.h"
#include "data/decode/system_error.h"
#include "data/decode/video_codec.h"

namespace slimreel {
namespace {

constexpr AVRational kMicroseconds{1, 1000000};
// While it is drained, a codec may repeat an error for ever. It never holds this many frames.
constexpr int64_t kMaxDrainingErrors = 1000;

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

// In ticks: a time that leaps by more than this may be wrong (presentation_times.h).
int64_t MaxLeapTicks(const AVStream& stream) {
  constexpr int64_t kMaxLeapUs = 10'000'000;
  return std::max<int64_t>(1, av_rescale_q(kMaxLeapUs, kMicroseconds, stream.time_base));
}

std::optional<int64_t> OrNone(int64_t ticks) {
  return ticks == AV_NOPTS_VALUE ? std::nullopt : std::optional<int64_t>(ticks);
}

std::optional<int64_t> EndOf(const AVStream& stream) {
  const std::optional<int64_t> start = OrNone(stream.start_time);
  return start && stream.duration > 0 ? std::optional(*start + stream.duration) : std::nullopt;
}

// The packet and the frames that a decoder owns.
struct Handles {
  PacketPtr packet = NewPacket();
  FramePtr current = NewFrame();
  FramePtr ahead = NewFrame();
  bool complete() const { return packet && current && ahead; }
};

class LibavVideoDecoder : public VideoDecoder {
 public:
  LibavVideoDecoder(std::string path, const VideoDecoderOptions& options,
                    std::unique_ptr<Demuxer> demuxer, std::unique_ptr<VideoCodec> codec,
                    Handles handles)
      : path_(std::move(path)),
        options_(options),
        demuxer_(std::move(demuxer)),
        codec_(std::move(codec)),
        stream_(Describe(*demuxer_->stream())),
        matrix_(StreamMatrix(*demuxer_->stream())),
        converter_({options.sizing, options.threads, demuxer_->stream()->time_base,
                    options.max_output_frame_bytes}),
        times_(OrNone(demuxer_->stream()->start_time), EndOf(*demuxer_->stream()),
               MaxLeapTicks(*demuxer_->stream())),
        handles_(std::move(handles)) {}

  absl::StatusOr<bool> Next() override;
  void CopyRgb(absl::Span<uint8_t> out) const override;
  const FrameInfo& frame() const override { return info_; }
  FrameSize size() const override { return converter_.output_size(); }
  FrameSize upright_size() const override { return converter_.upright_size(); }
  double rotation() const override { return converter_.rotation(); }
  const VideoStream& stream() const override { return stream_; }
  const DecodeStats& stats() const override { return stats_; }

 private:
  absl::Status LookAhead();
  absl::StatusOr<bool> Decode(AVFrame* frame);
  absl::Status FeedCodec();
  absl::Status SendPacket();
  absl::Status CountError(int error);
  absl::Status FinishFrame();
  FrameTime TimeOf(const AVFrame& frame) const;
  void FillTimes();

  const std::string path_;
  const VideoDecoderOptions options_;
  std::unique_ptr<Demuxer> demuxer_;
  std::unique_ptr<VideoCodec> codec_;
  VideoStream stream_;
  const std::optional<DisplayMatrix> matrix_;
  RgbConverter converter_;
  PresentationTimes times_;
  Handles handles_;
  const AVFrame* rgb_ = nullptr;  // owned by converter_
  bool started_ = false;
  bool has_ahead_ = false;     // handles_.ahead is the frame after the current one
  absl::Status final_status_;  // if no frame follows: OK at the end, or the error
  bool packet_waits_ = false;  // the codec was full: send the packet again
  bool draining_ = false;
  int64_t errors_in_a_row_ = 0;
  int64_t damaged_bytes_ = 0;            // bytes of the packets that gave these errors
  int64_t origin_pts_ = AV_NOPTS_VALUE;  // ticks
  FrameInfo info_;
  DecodeStats stats_;
};

// Decodes one frame ahead: the time of the next frame shows whether this frame's time is wrong.
absl::StatusOr<bool> LibavVideoDecoder::Next() {
  demuxer_->watch().Progress();
  if (!started_) {
    started_ = true;
    SLIMREEL_RETURN_IF_ERROR(LookAhead());
  }
  if (!has_ahead_) {
    if (!final_status_.ok()) return final_status_;
    return false;
  }
  std::swap(handles_.current, handles_.ahead);
  SLIMREEL_RETURN_IF_ERROR(LookAhead());
  SLIMREEL_RETURN_IF_ERROR(FinishFrame());
  return true;
}

// Keeps an error of the file until the frames before it are out. Other errors return at once.
absl::Status LibavVideoDecoder::LookAhead() {
  has_ahead_ = false;
  if (!final_status_.ok()) return absl::OkStatus();
  absl::StatusOr<bool> more = Decode(handles_.ahead.get());
  has_ahead_ = more.ok() && *more;
  if (more.ok()) return absl::OkStatus();
  final_status_ = more.status();
  return ReasonOf(final_status_).empty() ? final_status_ : absl::OkStatus();
}

absl::StatusOr<bool> LibavVideoDecoder::Decode(AVFrame* frame) {
  for (;;) {
    const int error = codec_->Receive(frame);
    if (error == 0) {
      errors_in_a_row_ = damaged_bytes_ = 0;
      demuxer_->watch().Progress();
      return true;
    }
    if (error == AVERROR_EOF) return false;
    SLIMREEL_RETURN_IF_ERROR(demuxer_->watch().Check(path_));
    if (error != AVERROR(EAGAIN)) SLIMREEL_RETURN_IF_ERROR(CountError(error));
    if (!draining_) {
      SLIMREEL_RETURN_IF_ERROR(FeedCodec());
    } else if (error == AVERROR(EAGAIN) || errors_in_a_row_ > kMaxDrainingErrors) {
      return false;  // the codec cannot be drained further
    }
  }
}

// Gives the codec one packet, or marks the end if none is left.
absl::Status LibavVideoDecoder::FeedCodec() {
  if (packet_waits_) return SendPacket();
  AVPacket* const packet = handles_.packet.get();
  av_packet_unref(packet);
  SLIMREEL_ASSIGN_OR_RETURN(const bool more, demuxer_->Read(packet));
  stats_.packets = demuxer_->packets();
  stats_.truncated = demuxer_->truncated();
  if (more) return SendPacket();
  draining_ = true;
  errors_in_a_row_ = 0;
  codec_->Send(nullptr);
  return absl::OkStatus();
}

absl::Status LibavVideoDecoder::SendPacket() {
  const int error = codec_->Send(handles_.packet.get());
  packet_waits_ = error == AVERROR(EAGAIN);
  if (error >= 0 || packet_waits_ || error == AVERROR_EOF) return absl::OkStatus();
  return CountError(error);
}

absl::Status LibavVideoDecoder::CountError(int error) {
  SLIMREEL_RETURN_IF_ERROR(codec_->FatalErrorOf(error));
  ++stats_.damaged_packets;
  ++errors_in_a_row_;
  damaged_bytes_ += handles_.packet->size;
  if (damaged_bytes_ <= options_.max_damaged_bytes) return absl::OkStatus();
  return MediaError(
      absl::StatusCode::kDataLoss, kReasonTooDamaged,
      absl::StrFormat(
          "%s: gave up after %d damaged packets in a row, %d bytes (%s); %d frames were "
          "decoded before",
          path_, errors_in_a_row_, damaged_bytes_, LibavErrorText(error),
          stats_.frames + (has_ahead_ ? 1 : 0)));
}

absl::Status LibavVideoDecoder::FinishFrame() {
  AVFrame* const frame = handles_.current.get();
  FillTimes();
  info_.number = stats_.frames++;
  info_.key = FrameIsKey(*frame);
  info_.damaged = frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT);
  if (info_.damaged) ++stats_.damaged_frames;
  if (info_.number == 0) {
    stream_.color_range = OrUnknown(av_color_range_name(frame->color_range));
    stream_.color_matrix = OrUnknown(av_color_space_name(frame->colorspace));
    stream_.pixel_format =
        OrUnknown(av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame->format)));
  }
  auto rgb = converter_.Convert(frame, matrix_);
  stats_.size_changes = converter_.size_changes();
  if (!rgb.ok()) return WithPath(path_, rgb.status());
  rgb_ = *rgb;
  return absl::OkStatus();
}

FrameTime LibavVideoDecoder::TimeOf(const AVFrame& frame) const {
  const AVStream& stream = *demuxer_->stream();
  int64_t duration = FrameDuration(frame);
  if (duration <= 0) {
    const AVRational fps =
        stream.avg_frame_rate.num > 0 ? stream.avg_frame_rate : AVRational{25, 1};
    duration = std::max<int64_t>(1, av_rescale_q(1, av_inv_q(fps), stream.time_base));
  }
  return {OrNone(frame.pts), OrNone(frame.pkt_dts), OrNone(frame.best_effort_timestamp), duration};
}

void LibavVideoDecoder::FillTimes() {
  const AVStream& stream = *demuxer_->stream();
  const FrameTime time = TimeOf(*handles_.current);
  const FrameTime next = has_ahead_ ? TimeOf(*handles_.ahead) : FrameTime();
  const ChosenTime chosen = times_.Choose(time, has_ahead_ ? &next : nullptr);
  if (chosen.estimated) ++stats_.estimated_pts;
  if (origin_pts_ == AV_NOPTS_VALUE) {
    // The stream starts where the container says, or at the first frame if that is earlier.
    origin_pts_ =
        stream.start_time == AV_NOPTS_VALUE ? chosen.pts : std::min(chosen.pts, stream.start_time);
    stream_.start_pts = origin_pts_;
  }
  info_.pts_estimated = chosen.estimated;
  info_.pts_us = av_rescale_q(chosen.pts - origin_pts_, stream.time_base, kMicroseconds);
  info_.duration_us = av_rescale_q(time.duration, stream.time_base, kMicroseconds);
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
  DemuxerOptions demuxing;
  demuxing.watch = {options.interrupted, options.progress_timeout_us, options.clock_us};
  demuxing.max_decoded_frame_bytes = options.max_decoded_frame_bytes;
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Demuxer> demuxer,
                            Demuxer::Open(path, "V:0", std::move(demuxing)));
  // If the container gives the size, check the RGB frame before any frame is decoded.
  const AVCodecParameters& parameters = *demuxer->stream()->codecpar;
  if (parameters.width > 0 && parameters.height > 0) {
    const FrameSize output = OutputSize({parameters.width, parameters.height}, options.sizing);
    const absl::Status fits = CheckOutputFrame(output, options.max_output_frame_bytes);
    if (!fits.ok()) return WithPath(path, fits);
  }
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<VideoCodec> codec,
                            VideoCodec::Open(path, *demuxer->stream(),
                                             {options.threads, options.max_decoded_frame_bytes}));
  Handles handles;
  if (!handles.complete()) return ErrnoStatus(path, ENOMEM);
  return std::make_unique<LibavVideoDecoder>(path, options, std::move(demuxer), std::move(codec),
                                             std::move(handles));
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
