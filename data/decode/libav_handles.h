// Owners of FFmpeg's C handles. Only this file frees them: all other code holds these types and
// never calls an av*_free function.
//
// Also here: the few accessors whose names differ between FFmpeg versions.
//
// Threading: each object belongs to one thread. LibavErrorText and QuietLibavLog work from any.
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
#include <vector>

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

// Frees a muxer and the output in memory (avio_open_dyn_buf) that its `pb` writes to, if any.
struct MuxerDeleter {
  void operator()(AVFormatContext* muxer) const;
};
using MuxerPtr = std::unique_ptr<AVFormatContext, MuxerDeleter>;

// Frees a block that av_malloc gave.
struct BlockDeleter {
  void operator()(void* block) const;
};
using BlockPtr = std::unique_ptr<void, BlockDeleter>;

// Option dictionaries for a libav call: one for a container, or one for each stream.
class OptionDictionaries {
 public:
  explicit OptionDictionaries(size_t count) : dictionaries_(count, nullptr) {}
  ~OptionDictionaries();
  OptionDictionaries(const OptionDictionaries&) = delete;
  OptionDictionaries& operator=(const OptionDictionaries&) = delete;

  // Set the option in every dictionary.
  void Set(const char* key, const char* value);
  void Set(const char* key, int64_t value);

  // The array that libav reads, and whose elements it may replace; null if count is 0.
  AVDictionary** data() { return dictionaries_.empty() ? nullptr : dictionaries_.data(); }

 private:
  std::vector<AVDictionary*> dictionaries_;
};

// Each of these returns null if there is no memory.
FramePtr NewFrame();
PacketPtr NewPacket();
BlockPtr NewBlock(size_t bytes);
IoContextPtr NewReadingContext(int buffer_bytes, void* opaque,
                               int (*read)(void* opaque, uint8_t* to, int bytes),
                               int64_t (*seek)(void* opaque, int64_t offset, int whence));

// Closes the output in memory that `muxer` writes to, and returns what was written.
std::string TakeMemoryOutput(AVFormatContext* muxer);

// FFmpeg's own words for a negative return value.
std::string LibavErrorText(int error);

// In ticks of the stream's time base; 0 if unknown.
int64_t FrameDuration(const AVFrame& frame);
bool FrameIsKey(const AVFrame& frame);

// FFmpeg logs to standard error by itself, from any thread. This call silences all but fatal
// messages: what matters reaches the user through a Status or the report.
void QuietLibavLog();

}  // namespace slimreel

#endif  // DATA_DECODE_LIBAV_HANDLES_H_
