// Reads the packets of one stream of a media file.
//
// Threading: one thread at a time. Owns the open file, and opens no other file.
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
  int64_t max_decoded_frame_bytes = 0;      // for frames that Open decodes; 0: no bound
  FileSource::ReadFunction read = nullptr;  // empty: pread(2)
};

class Demuxer {
 public:
  // `specifier` is a stream specifier of ffmpeg: "V:0" is the first video stream, cover pictures
  // not counted. All other streams are discarded.
  static absl::StatusOr<std::unique_ptr<Demuxer>> Open(const std::string& path,
                                                       const std::string& specifier,
                                                       DemuxerOptions options);
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // Reads the next packet of the stream. Returns false at the end of the file, also if the file is
  // cut there (see truncated()). Errors: those of the watch, of reading the file, of the machine.
  absl::StatusOr<bool> Read(AVPacket* packet);

  AVStream* stream() const { return stream_; }
  AVFormatContext* format() const { return format_.get(); }
  int64_t packets() const { return packets_; }
  // Valid after Read returned false. True if something is missing: the last packet was cut, the
  // file could not be read further, or the container announces pictures past the end of the file
  // (MP4 and MOV in their index, Matroska and WebM in their length; other containers do not).
  bool truncated() const { return truncated_; }
  ProgressWatch& watch() { return watch_; }

 private:
  explicit Demuxer(const std::string& path, DemuxerOptions options);
  absl::Status OpenFormat();
  absl::Status FindStreamToRead(const std::string& specifier);
  absl::Status ExternalErrorOf(int error);
  absl::Status CheckPictureSize(const AVStream* stream) const;
  bool FileIsTruncated() const;
  bool IndexPointsPastTheEnd() const;

  const std::string path_;
  const DemuxerOptions options_;
  ProgressWatch watch_;
  std::unique_ptr<FileSource> source_;  // declared before format_, which reads it until destroyed
  FormatContextPtr format_;
  AVStream* stream_ = nullptr;  // owned by format_
  int64_t packets_ = 0;
  bool last_was_cut_ = false;
  bool truncated_ = false;
};

}  // namespace slimreel

#endif  // DATA_DECODE_DEMUXER_H_
