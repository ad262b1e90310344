#include "data/decode/libav_handles.h"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/version.h>
}

#include <new>

namespace slimreel {
namespace {

template <typename T>
T* OrBadAlloc(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

}  // namespace

void LibavDeleter::operator()(AVFormatContext* context) const { avformat_close_input(&context); }
void LibavDeleter::operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
void LibavDeleter::operator()(AVFilterGraph* graph) const { avfilter_graph_free(&graph); }
void LibavDeleter::operator()(AVFrame* frame) const { av_frame_free(&frame); }
void LibavDeleter::operator()(AVPacket* packet) const { av_packet_free(&packet); }

FramePtr NewFrame() { return FramePtr(OrBadAlloc(av_frame_alloc())); }
PacketPtr NewPacket() { return PacketPtr(OrBadAlloc(av_packet_alloc())); }

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
