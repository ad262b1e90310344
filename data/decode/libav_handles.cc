#include "data/decode/libav_handles.h"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/version.h>
}

#include <utility>

namespace slimreel {

void LibavDeleter::operator()(AVFormatContext* context) const { avformat_close_input(&context); }
void LibavDeleter::operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
void LibavDeleter::operator()(AVFilterGraph* graph) const { avfilter_graph_free(&graph); }
void LibavDeleter::operator()(AVFrame* frame) const { av_frame_free(&frame); }
void LibavDeleter::operator()(AVPacket* packet) const { av_packet_free(&packet); }
void LibavDeleter::operator()(AVIOContext* context) const {
  av_freep(&context->buffer);
  avio_context_free(&context);
}

void MuxerDeleter::operator()(AVFormatContext* muxer) const {
  if (muxer->pb != nullptr) TakeMemoryOutput(muxer);
  avformat_free_context(muxer);
}

void BlockDeleter::operator()(void* block) const { av_free(block); }

OptionDictionaries::~OptionDictionaries() {
  for (AVDictionary*& dictionary : dictionaries_) av_dict_free(&dictionary);
}

void OptionDictionaries::Set(const char* key, const char* value) {
  for (AVDictionary*& dictionary : dictionaries_) av_dict_set(&dictionary, key, value, 0);
}

void OptionDictionaries::Set(const char* key, int64_t value) {
  for (AVDictionary*& dictionary : dictionaries_) av_dict_set_int(&dictionary, key, value, 0);
}

FramePtr NewFrame() { return FramePtr(av_frame_alloc()); }
PacketPtr NewPacket() { return PacketPtr(av_packet_alloc()); }
BlockPtr NewBlock(size_t bytes) { return BlockPtr(av_malloc(bytes)); }

IoContextPtr NewReadingContext(int buffer_bytes, void* opaque,
                               int (*read)(void* opaque, uint8_t* to, int bytes),
                               int64_t (*seek)(void* opaque, int64_t offset, int whence)) {
  auto* buffer = static_cast<uint8_t*>(av_malloc(buffer_bytes));
  if (buffer == nullptr) return nullptr;
  IoContextPtr context(
      avio_alloc_context(buffer, buffer_bytes, /*write_flag=*/0, opaque, read, nullptr, seek));
  if (context == nullptr) av_free(buffer);
  return context;
}

std::string TakeMemoryOutput(AVFormatContext* muxer) {
  uint8_t* bytes = nullptr;
  const int size = avio_close_dyn_buf(std::exchange(muxer->pb, nullptr), &bytes);
  const BlockPtr owner(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

std::string LibavErrorText(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

int64_t FrameDuration(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

bool FrameIsKey(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}

void QuietLibavLog() { av_log_set_level(AV_LOG_FATAL); }

}  // namespace slimreel
