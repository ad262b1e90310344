#include "data/decode/libav_handles.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/buffer.h>
#include <libavutil/error.h>
#include <libavutil/log.h>
}

#include <cerrno>
#include <cstring>

namespace slimreel {
namespace {

// A buffer that counts how often it is freed.
AVBufferRef* CountedBuffer(int* freed) {
  const auto count = [](void* opaque, uint8_t* data) {
    ++*static_cast<int*>(opaque);
    av_free(data);
  };
  return av_buffer_create(static_cast<uint8_t*>(av_malloc(64)), 64, count, freed, 0);
}

TEST(LibavHandlesTest, AFrameGivesBackWhatItRefersTo) {
  int freed = 0;
  {
    FramePtr frame = NewFrame();
    ASSERT_NE(frame, nullptr);
    frame->buf[0] = CountedBuffer(&freed);
    const FramePtr moved = std::move(frame);
    EXPECT_EQ(freed, 0);
  }
  EXPECT_EQ(freed, 1);
}

TEST(LibavHandlesTest, APacketGivesBackWhatItRefersTo) {
  int freed = 0;
  {
    const PacketPtr packet = NewPacket();
    ASSERT_NE(packet, nullptr);
    packet->buf = CountedBuffer(&freed);
  }
  EXPECT_EQ(freed, 1);
}

// libavcodec frees extradata with its context, and libavformat frees streams with theirs. The leak
// checker of the address sanitizer finds anything that is not freed.
TEST(LibavHandlesTest, ContextsAreFreedWithAllTheyOwn) {
  const CodecContextPtr codec(avcodec_alloc_context3(nullptr));
  ASSERT_NE(codec, nullptr);
  codec->extradata = static_cast<uint8_t*>(av_mallocz(64));
  const FormatContextPtr format(avformat_alloc_context());
  ASSERT_NE(format, nullptr);
  ASSERT_NE(avformat_new_stream(format.get(), nullptr), nullptr);
  const FilterGraphPtr graph(avfilter_graph_alloc());
  ASSERT_NE(graph, nullptr);
  ASSERT_NE(avfilter_graph_alloc_filter(graph.get(), avfilter_get_by_name("null"), "in"), nullptr);
}

TEST(LibavHandlesTest, AMuxerIsFreedWhetherOrNotItsOutputWasTaken) {
  for (const bool take : {true, false}) {
    AVFormatContext* made = nullptr;
    ASSERT_GE(avformat_alloc_output_context2(&made, nullptr, "mp4", nullptr), 0);
    const MuxerPtr muxer(made);
    ASSERT_GE(avio_open_dyn_buf(&muxer->pb), 0);
    avio_write(muxer->pb, reinterpret_cast<const unsigned char*>("bytes"), 5);
    if (!take) continue;
    EXPECT_EQ(TakeMemoryOutput(muxer.get()), "bytes");
    EXPECT_EQ(muxer->pb, nullptr);
  }
}

TEST(LibavHandlesTest, OptionsAreSetInEveryDictionary) {
  OptionDictionaries options(2);
  options.Set("name", "value");
  options.Set("number", int64_t{7});
  for (int i = 0; i < 2; ++i) {
    EXPECT_STREQ(av_dict_get(options.data()[i], "name", nullptr, 0)->value, "value");
    EXPECT_STREQ(av_dict_get(options.data()[i], "number", nullptr, 0)->value, "7");
  }
  EXPECT_EQ(OptionDictionaries(0).data(), nullptr);
}

TEST(LibavHandlesTest, ErrorsAreInWords) {
  EXPECT_EQ(LibavErrorText(AVERROR_INVALIDDATA), "Invalid data found when processing input");
  EXPECT_EQ(LibavErrorText(AVERROR(ENOENT)), std::strerror(ENOENT));
  EXPECT_FALSE(LibavErrorText(-123456789).empty());
}

TEST(LibavHandlesTest, DurationAndKeyFlagAreTheFrames) {
  const FramePtr frame = NewFrame();
  EXPECT_EQ(FrameDuration(*frame), 0);
  // Fills the same members as libav, by their names in this version.
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  frame->duration = 512;
#else
  frame->pkt_duration = 512;
#endif
  for (const bool key : {true, false}) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
    frame->flags = key ? AV_FRAME_FLAG_KEY : 0;
#else
    frame->key_frame = key;
#endif
    EXPECT_EQ(FrameIsKey(*frame), key);
  }
  EXPECT_EQ(FrameDuration(*frame), 512);
}

TEST(LibavHandlesTest, QuietMeansThatErrorsAreNotPrinted) {
  const int before = av_log_get_level();
  QuietLibavLog();
  testing::internal::CaptureStderr();
  av_log(nullptr, AV_LOG_ERROR, "an error\n");
  av_log(nullptr, AV_LOG_FATAL, "a fatal error\n");
  const std::string printed = testing::internal::GetCapturedStderr();
  av_log_set_level(before);
  EXPECT_EQ(printed.find("an error"), std::string::npos) << printed;
  EXPECT_NE(printed.find("a fatal error"), std::string::npos) << printed;
}

}  // namespace
}  // namespace slimreel
