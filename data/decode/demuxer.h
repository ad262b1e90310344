// Packets of one stream of a media file.
//
// Threading: one thread at a time. Owns the open file; nothing but that file is opened.
#ifndef DATA_DECODE_DEMUXER_H_
#define DATA_DECODE_DEMUXER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/decode/file_source.h"
#include "data/decode/libav_handles.h"
#include "data/decode/progress_watch.h"

namespace slimreel {

struct DemuxerOptions {
  ProgressWatchOptions watch = {};          // polled before each read and each packet
  int64_t max_decoded_frame_bytes = 0;      // 0: no bound; holds while the file is looked into
  FileSource::ReadFunction read = nullptr;  // empty: pread(2)
};

class Demuxer {
 public:
  // `specifier` is ffmpeg's: "V:0" is the first video stream that is no cover
  // picture. All other streams are discarded.
  static absl::StatusOr<std::unique_ptr<Demuxer>> Open(const std::string& path,
                                                       const std::string& specifier,
                                                       DemuxerOptions options);
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // The next packet of the stream; false at the end, also where the file breaks off (then
  // truncated()). Errors: of the watch, of reading the file, of the machine.
  absl::StatusOr<bool> Read(AVPacket* packet);

  AVStream* stream() const { return stream_; }
  AVFormatContext* format() const { return format_.get(); }
  int64_t packets() const { return packets_; }
  // Known once Read said false. True where something is missing: the last packet was cut, the
  // file could not be read on, or the container tells of pictures behind the file's end (MP4 and
  // MOV by their index, Matroska and WebM by their length; others do not tell).
  bool truncated() const { return truncated_; }
  ProgressWatch& watch() { return watch_; }

 private:
  explicit Demuxer(const std::string& path, DemuxerOptions options);
  absl::Status OpenFormat();
  absl::Status LookInside(const std::string& specifier);
  absl::Status Trouble(int error);
  absl::Status CheckPictureSize(const AVStream* stream) const;
  bool BreaksOff() const;
  bool IndexPassesTheEnd() const;

  const std::string path_;
  const DemuxerOptions options_;
  ProgressWatch watch_;
  std::unique_ptr<FileSource> source_;  // before format_, which reads it to its end
  FormatContextPtr format_;
  AVStream* stream_ = nullptr;  // owned by format_
  int64_t packets_ = 0;
  bool last_was_cut_ = false;
  bool truncated_ = false;
};

}  // namespace slimreel

#endif  // DATA_DECODE_DEMUXER_H_
