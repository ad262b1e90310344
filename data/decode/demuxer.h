// Packets of one stream of a media file.
//
// Who calls it: the decoders of this folder. Threading: one thread at a time.
#ifndef DATA_DECODE_DEMUXER_H_
#define DATA_DECODE_DEMUXER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/decode/libav_handles.h"

namespace slimreel {

class Demuxer {
 public:
  // `specifier` is ffmpeg's: "V:0" is the first video stream that is no cover
  // picture. All other streams are discarded. `interrupted` may be empty.
  static absl::StatusOr<std::unique_ptr<Demuxer>> Open(const std::string& path,
                                                       const std::string& specifier,
                                                       std::function<bool()> interrupted);
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // The next packet of the stream; false at the end, also where the file breaks
  // off (then truncated()). CANCELLED when interrupted.
  absl::StatusOr<bool> Read(AVPacket* packet);

  AVStream* stream() const { return stream_; }
  AVFormatContext* format() const { return format_.get(); }
  int64_t packets() const { return packets_; }
  // Known once Read said false: a packet was cut, the file could not be read on, or the
  // container says that there is more (MP4 and MOV by their index, Matroska and WebM by
  // their length; others do not tell).
  bool truncated() const { return truncated_; }
  bool interrupted() const { return interrupted_ && interrupted_(); }

 private:
  Demuxer() = default;
  bool ContainerSaysMore() const;

  std::string path_;
  std::function<bool()> interrupted_;
  FormatContextPtr format_;
  AVStream* stream_ = nullptr;  // owned by format_
  int64_t packets_ = 0;
  bool truncated_ = false;
};

}  // namespace slimreel

#endif  // DATA_DECODE_DEMUXER_H_
