#include "data/decode/demuxer.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

int PollInterrupted(void* demuxer) { return static_cast<Demuxer*>(demuxer)->interrupted() ? 1 : 0; }

absl::Status Cancelled(const std::string& path) {
  return absl::CancelledError(absl::StrCat(path, ": decoding was stopped"));
}

absl::Status OpenError(const std::string& path, int error) {
  const std::string text = absl::StrCat(path, ": ", LibavErrorText(error));
  if (error == AVERROR(ENOENT)) {
    return MediaError(absl::StatusCode::kNotFound, kReasonNotFound, text);
  }
  if (error == AVERROR(EACCES) || error == AVERROR(EISDIR) || error == AVERROR(EIO)) {
    return MediaError(absl::StatusCode::kPermissionDenied, kReasonUnreadable, text);
  }
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonNotMedia,
                    absl::StrCat(path, ": no media file that FFmpeg can open (",
                                 LibavErrorText(error), "); is it complete, and really a video?"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Demuxer>> Demuxer::Open(const std::string& path,
                                                       const std::string& specifier,
                                                       std::function<bool()> interrupted) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer);
  demuxer->interrupted_ = std::move(interrupted);
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) return absl::ResourceExhaustedError("no memory for a demuxer");
  format->interrupt_callback = {PollInterrupted, demuxer.get()};
  // Local files alone: neither a name nor a playlist inside may reach a network.
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  // On failure libavformat frees the context itself.
  int error = avformat_open_input(&format, ("file:" + path).c_str(), nullptr, &options);
  av_dict_free(&options);
  if (error >= 0) demuxer->format_.reset(format);
  if (demuxer->interrupted()) return Cancelled(path);
  if (error < 0) return OpenError(path, error);
  error = avformat_find_stream_info(format, nullptr);
  if (demuxer->interrupted()) return Cancelled(path);
  if (error < 0) {
    return MediaError(absl::StatusCode::kInvalidArgument, kReasonDamagedHeader,
                      absl::StrCat(path, ": ", LibavErrorText(error)));
  }
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVStream* stream = format->streams[i];
    const bool wanted = demuxer->stream_ == nullptr &&
                        avformat_match_stream_specifier(format, stream, specifier.c_str()) > 0;
    stream->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    if (wanted) demuxer->stream_ = stream;
  }
  if (demuxer->stream_ == nullptr) {
    return MediaError(absl::StatusCode::kInvalidArgument, kReasonNoVideo,
                      absl::StrCat(path, ": no video stream among its ", format->nb_streams,
                                   " streams (", format->iformat->long_name, ")"));
  }
  return demuxer;
}

absl::StatusOr<bool> Demuxer::Read(AVPacket* packet) {
  for (;;) {
    const int error = av_read_frame(format_.get(), packet);
    if (interrupted()) return Cancelled(format_->url);
    if (error == AVERROR(EAGAIN)) continue;
    if (error < 0) {
      // An index that lists more packets than came tells of a cut file. Only
      // MP4's and MOV's is complete by construction.
      const bool indexed = std::strstr(format_->iformat->name, "mp4") != nullptr;
      if (error != AVERROR_EOF) truncated_ = true;
      if (indexed && packets_ < avformat_index_get_entries_count(stream_)) truncated_ = true;
      return false;
    }
    if (packet->stream_index == stream_->index) {
      ++packets_;
      if (packet->flags & AV_PKT_FLAG_CORRUPT) truncated_ = true;
      return true;
    }
    av_packet_unref(packet);
  }
}

}  // namespace slimreel
