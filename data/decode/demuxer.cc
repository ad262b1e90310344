#include "data/decode/demuxer.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "data/decode/matroska_size.h"
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
  if (error == AVERROR(EACCES) || error == AVERROR(EIO)) {
    return MediaError(absl::StatusCode::kPermissionDenied, kReasonUnreadable, text);
  }
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonNotMedia,
                    absl::StrCat(path, ": no media file that FFmpeg can open (",
                                 LibavErrorText(error), "); is it complete, and really a video?"));
}

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Opening a pipe waits for who writes into it, for ever and deaf to `interrupted`; a device may
// never end. Neither can be read twice. Paths that cannot be looked at are left to libavformat.
absl::Status RefuseWhatIsNoFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return absl::OkStatus();
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonUnreadable,
                    absl::StrCat(path, ": this is ", KindOf(status.st_mode),
                                 "; only regular files are read, copy what it gives into one"));
}

// The first stream that fits, null where none does; all others are discarded.
AVStream* ChooseStream(AVFormatContext* format, const std::string& specifier) {
  AVStream* chosen = nullptr;
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVStream* stream = format->streams[i];
    const bool wanted =
        chosen == nullptr && avformat_match_stream_specifier(format, stream, specifier.c_str()) > 0;
    stream->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    if (wanted) chosen = stream;
  }
  return chosen;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Demuxer>> Demuxer::Open(const std::string& path,
                                                       const std::string& specifier,
                                                       std::function<bool()> interrupted) {
  if (absl::Status refused = RefuseWhatIsNoFile(path); !refused.ok()) return refused;
  std::unique_ptr<Demuxer> demuxer(new Demuxer);
  demuxer->path_ = path;
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
  demuxer->stream_ = ChooseStream(format, specifier);
  if (demuxer->stream_ == nullptr) {
    return MediaError(absl::StatusCode::kInvalidArgument, kReasonNoVideo,
                      absl::StrCat(path, ": no video stream among its ", format->nb_streams,
                                   " streams (", format->iformat->long_name, ")"));
  }
  return demuxer;
}

bool Demuxer::ContainerSaysMore() const {
  const char* const name = format_->iformat->name;
  if (std::strstr(name, "matroska") != nullptr) return MatroskaBreaksOff(path_);
  // An index that lists more packets than came tells of a cut file. Only MP4's and MOV's is
  // complete by construction.
  return std::strstr(name, "mp4") != nullptr &&
         packets_ < avformat_index_get_entries_count(stream_);
}

absl::StatusOr<bool> Demuxer::Read(AVPacket* packet) {
  for (;;) {
    const int error = av_read_frame(format_.get(), packet);
    if (interrupted()) return Cancelled(format_->url);
    if (error == AVERROR(EAGAIN)) continue;
    if (error < 0) {
      truncated_ = truncated_ || error != AVERROR_EOF || ContainerSaysMore();
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
