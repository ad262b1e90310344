// Owners of FFmpeg's C handles: the only place that frees them. Everything else
// in the project holds these types and never calls an av*_free function.
//
// Also the few accessors whose names changed between FFmpeg's versions.
#ifndef DATA_DECODE_LIBAV_HANDLES_H_
#define DATA_DECODE_LIBAV_HANDLES_H_

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
}

#include <cstdint>
#include <memory>
#include <string>

namespace slimreel {

struct LibavDeleter {
  void operator()(AVFormatContext* context) const;  // closes the input as well
  void operator()(AVCodecContext* context) const;
  void operator()(AVFilterGraph* graph) const;
  void operator()(AVFrame* frame) const;
  void operator()(AVPacket* packet) const;
  void operator()(AVIOContext* context) const;  // and its buffer
};

using FormatContextPtr = std::unique_ptr<AVFormatContext, LibavDeleter>;
using CodecContextPtr = std::unique_ptr<AVCodecContext, LibavDeleter>;
using FilterGraphPtr = std::unique_ptr<AVFilterGraph, LibavDeleter>;
using FramePtr = std::unique_ptr<AVFrame, LibavDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, LibavDeleter>;
using IoContextPtr = std::unique_ptr<AVIOContext, LibavDeleter>;

// Null where there is no memory.
FramePtr NewFrame();
PacketPtr NewPacket();
IoContextPtr NewReadingContext(int buffer_bytes, void* opaque,
                               int (*read)(void* opaque, uint8_t* to, int bytes),
                               int64_t (*seek)(void* opaque, int64_t offset, int whence));

// FFmpeg's own words for a negative return value.
std::string LibavErrorText(int error);

// In units of the stream's time base; 0 where unknown.
int64_t FrameDuration(const AVFrame& frame);
bool FrameIsKey(const AVFrame& frame);

// FFmpeg logs to standard error by itself, from any thread. This leaves fatal
// messages only: what matters reaches the user through a Status or the report.
void QuietLibavLog();

}  // namespace slimreel

#endif  // DATA_DECODE_LIBAV_HANDLES_H_
