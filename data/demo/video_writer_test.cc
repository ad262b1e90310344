#include "data/demo/video_writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "data/decode/libav_handles.h"
#include "data/demo/motion_clip.h"

namespace slimreel {
namespace {

std::vector<uint8_t> SomeClip(uint64_t seed) {
  return RenderMotionClip(DrawMotionClipParameters(Motion::kUp, seed, {}), {});
}

struct Decoded {
  std::vector<std::vector<uint8_t>> luma;  // [80 x 72] each, presentation order
  int num_b_frames = 0;
  bool limited_bt601 = true;
};

void Receive(AVCodecContext* codec, AVFrame* frame, Decoded* decoded) {
  while (avcodec_receive_frame(codec, frame) == 0) {
    std::vector<uint8_t> luma;
    for (int y = 0; y < frame->height; ++y) {
      const uint8_t* row = frame->data[0] + y * frame->linesize[0];
      luma.insert(luma.end(), row, row + frame->width);
    }
    decoded->luma.push_back(luma);
    decoded->num_b_frames += frame->pict_type == AV_PICTURE_TYPE_B;
    decoded->limited_bt601 &=
        frame->color_range == AVCOL_RANGE_MPEG && frame->colorspace == AVCOL_SPC_SMPTE170M;
  }
}

Decoded Decode(const std::string& file) {
  const std::string path = testing::TempDir() + "/video_writer_test.mp4";
  std::ofstream(path, std::ios::binary) << file;
  AVFormatContext* opened = nullptr;
  Decoded decoded;
  if (avformat_open_input(&opened, path.c_str(), nullptr, nullptr) < 0) return decoded;
  const FormatContextPtr demuxer(opened);
  avformat_find_stream_info(demuxer.get(), nullptr);
  const AVCodecParameters* parameters = demuxer->streams[0]->codecpar;
  const CodecContextPtr codec(avcodec_alloc_context3(avcodec_find_decoder(parameters->codec_id)));
  avcodec_parameters_to_context(codec.get(), parameters);
  avcodec_open2(codec.get(), nullptr, nullptr);
  const PacketPtr packet = NewPacket();
  const FramePtr frame = NewFrame();
  while (av_read_frame(demuxer.get(), packet.get()) >= 0) {
    avcodec_send_packet(codec.get(), packet.get());
    av_packet_unref(packet.get());
    Receive(codec.get(), frame.get(), &decoded);
  }
  avcodec_send_packet(codec.get(), nullptr);
  Receive(codec.get(), frame.get(), &decoded);
  return decoded;
}

TEST(VideoWriterTest, DecodesToTheFramesThatWentIn) {
  const std::vector<uint8_t> clip = SomeClip(1);
  const Decoded decoded = Decode(*EncodeMp4(clip.data(), 24, 80, 72, {}));
  ASSERT_EQ(decoded.luma.size(), 24u);
  EXPECT_TRUE(decoded.limited_bt601);
  double error = 0;
  for (int t = 0; t < 24; ++t) {
    ASSERT_EQ(decoded.luma[t].size(), 80u * 72);
    for (int i = 0; i < 80 * 72; ++i) {
      const uint8_t* rgb = clip.data() + (t * 80 * 72 + i) * 3;
      // BT.601 in floating point.
      const double luma = 16 + (65.481 * rgb[0] + 128.553 * rgb[1] + 24.966 * rgb[2]) / 255;
      error += (decoded.luma[t][i] - luma) * (decoded.luma[t][i] - luma);
    }
  }
  // 40 dB of signal to noise. Frames in a wrong order would have 20 to 25.
  EXPECT_LT(error / (24 * 80 * 72), 255.0 * 255.0 * 1e-4);
}

TEST(VideoWriterTest, HasBFramesUnlessToldOtherwise) {
  const std::vector<uint8_t> clip = SomeClip(2);
  EXPECT_GT(Decode(*EncodeMp4(clip.data(), 24, 80, 72, {})).num_b_frames, 4);
  EXPECT_EQ(Decode(*EncodeMp4(clip.data(), 24, 80, 72, {.max_b_frames = 0})).num_b_frames, 0);
}

// 40 clips, because the rate control that once differed (mbtree) differed on one in twenty.
TEST(VideoWriterTest, TheSameFramesGiveTheSameBytes) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<uint8_t> clip = SomeClip(seed);
    const std::string first = *EncodeMp4(clip.data(), 24, 80, 72, {});
    for (int i = 0; i < 2; ++i) ASSERT_EQ(*EncodeMp4(clip.data(), 24, 80, 72, {}), first);
  }
}

TEST(VideoWriterTest, OddSizesAndUnknownCodecsAreRefused) {
  const std::vector<uint8_t> clip = SomeClip(1);
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeMp4(clip.data(), 1, 79, 72, {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EncodeMp4(clip.data(), 0, 80, 72, {}).status()));
  EXPECT_TRUE(
      absl::IsUnimplemented(EncodeMp4(clip.data(), 1, 80, 72, {.codec = "nothing"}).status()));
}

}  // namespace
}  // namespace slimreel
