#include "data/decode/demuxer.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/decode/containers.h"
#include "data/decode/frame_bytes.h"
#include "data/decode/frame_size.h"
#include "data/decode/matroska_size.h"
#include "data/decode/media_error.h"
#include "data/decode/system_error.h"

namespace slimreel {
namespace {

int PollWatch(void* watch) { return static_cast<ProgressWatch*>(watch)->Stopped() ? 1 : 0; }

// Some containers name other files. Frames must come from the given file only.
int RefuseOtherFiles(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

// The first stream that matches, or null.
AVStream* FindStream(AVFormatContext* format, const std::string& specifier) {
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVStream* stream = format->streams[i];
    if (avformat_match_stream_specifier(format, stream, specifier.c_str()) > 0) return stream;
  }
  return nullptr;
}

void DiscardAllBut(const AVStream* kept, AVFormatContext* format) {
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVStream* stream = format->streams[i];
    stream->discard = stream == kept ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

// Calls avformat_find_stream_info with a bound on the size of the frames that it decodes.
int FindStreamInfo(AVFormatContext* format, int64_t max_pixels) {
  OptionDictionaries codecs(format->nb_streams);
  if (max_pixels > 0) codecs.Set("max_pixels", max_pixels);
  return avformat_find_stream_info(format, codecs.data());
}

bool IsNamed(const AVFormatContext& format, const char* part) {
  return std::strstr(format.iformat->name, part) != nullptr;
}

}  // namespace

Demuxer::Demuxer(const std::string& path, DemuxerOptions options)
    : path_(path), options_(std::move(options)), watch_(options_.watch) {}

absl::StatusOr<std::unique_ptr<Demuxer>> Demuxer::Open(const std::string& path,
                                                       const std::string& specifier,
                                                       DemuxerOptions options) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer(path, std::move(options)));
  const auto stopped = [watch = &demuxer->watch_] { return watch->Stopped(); };
  SLIMREEL_ASSIGN_OR_RETURN(demuxer->source_,
                            FileSource::Open(path, stopped, demuxer->options_.read));
  SLIMREEL_RETURN_IF_ERROR(demuxer->OpenFormat());
  SLIMREEL_RETURN_IF_ERROR(demuxer->FindStreamToRead(specifier));
  return demuxer;
}

absl::Status Demuxer::OpenFormat() {
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) return ErrnoStatus(path_, ENOMEM);
  format->interrupt_callback = {PollWatch, &watch_};
  format->pb = source_->io();
  format->io_open = RefuseOtherFiles;
  OptionDictionaries options(1);
  options.Set("protocol_whitelist", "none");
  options.Set("format_whitelist", kContainers);
  // If the call fails, libavformat frees the context itself.
  const int error =
      avformat_open_input(&format, ("file:" + path_).c_str(), nullptr, options.data());
  if (error >= 0) format_.reset(format);
  SLIMREEL_RETURN_IF_ERROR(ExternalErrorOf(error));
  if (error >= 0) return absl::OkStatus();
  return MediaError(
      absl::StatusCode::kInvalidArgument, kReasonNotMedia,
      absl::StrCat(path_, ": FFmpeg cannot open it as a media file (", LibavErrorText(error),
                   "); check that it is complete and a video. "
                   "Playlists and lists of files are not read"));
}

absl::Status Demuxer::FindStreamToRead(const std::string& specifier) {
  // Check here as well: if the bound stops libavformat from decoding, it forgets the size.
  SLIMREEL_RETURN_IF_ERROR(CheckPictureSize(FindStream(format_.get(), specifier)));
  watch_.Progress();
  const int error = FindStreamInfo(format_.get(), options_.max_decoded_frame_bytes);
  SLIMREEL_RETURN_IF_ERROR(ExternalErrorOf(error));
  if (error < 0) {
    return MediaError(absl::StatusCode::kInvalidArgument, kReasonDamagedHeader,
                      absl::StrCat(path_, ": FFmpeg cannot read its header (",
                                   LibavErrorText(error), "); the file may be cut off or damaged"));
  }
  stream_ = FindStream(format_.get(), specifier);
  DiscardAllBut(stream_, format_.get());
  if (stream_ == nullptr) {
    return MediaError(
        absl::StatusCode::kInvalidArgument, kReasonNoVideo,
        absl::StrCat(path_, ": none of its ", format_->nb_streams, " streams is a video stream (",
                     format_->iformat->long_name, ")"));
  }
  watch_.Progress();
  return CheckPictureSize(stream_);
}

// An error from outside of the file's content, which libavformat may have hidden: interrupted or no
// progress, a failed read, the machine. Check it before blaming the file for `error`.
absl::Status Demuxer::ExternalErrorOf(int error) {
  SLIMREEL_RETURN_IF_ERROR(watch_.Check(path_));
  SLIMREEL_RETURN_IF_ERROR(source_->status());
  return MachineErrorOf(path_, error);
}

absl::Status Demuxer::CheckPictureSize(const AVStream* stream) const {
  if (stream == nullptr || stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
    return absl::OkStatus();
  }
  const AVCodecParameters& codec = *stream->codecpar;
  const FrameSize size = {codec.width, codec.height};
  const absl::Status checked = CheckFrameBytes("decoded", size, DecodedBytes(size, codec.format),
                                               options_.max_decoded_frame_bytes);
  return checked.ok() ? checked : WithPath(path_, checked);
}

absl::StatusOr<bool> Demuxer::Read(AVPacket* packet) {
  for (;;) {
    const int error = av_read_frame(format_.get(), packet);
    SLIMREEL_RETURN_IF_ERROR(ExternalErrorOf(error));
    if (error == AVERROR(EAGAIN)) continue;
    if (error < 0) {
      truncated_ = error != AVERROR_EOF || last_was_cut_ || FileIsTruncated();
      SLIMREEL_RETURN_IF_ERROR(source_->status());
      return false;
    }
    if (packet->stream_index == stream_->index) {
      ++packets_;
      // The flag marks a cut packet. MPEG-TS also sets it at a jump of a counter, as at the seam of
      // joined streams. So only the flag of the last packet means that the file is cut.
      last_was_cut_ = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
      return true;
    }
    av_packet_unref(packet);
  }
}

bool Demuxer::FileIsTruncated() const {
  if (IsNamed(*format_, "matroska")) {
    const auto read = [this](uint64_t at, uint8_t* to, size_t bytes) {
      return source_->ReadAt(at, to, bytes);
    };
    return MatroskaIsTruncated(read, static_cast<uint64_t>(source_->bytes()));
  }
  return IsNamed(*format_, "mp4") && IndexPointsPastTheEnd();
}

// For MP4 and MOV only: their index is always complete.
bool Demuxer::IndexPointsPastTheEnd() const {
  const int64_t file_bytes = source_->bytes();
  const int entries = avformat_index_get_entries_count(stream_);
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(stream_, i);
    const bool shown = (entry->flags & AVINDEX_DISCARD_FRAME) == 0;
    if (shown && entry->pos + entry->size > file_bytes) return true;
  }
  return false;
}

}  // namespace slimreel
