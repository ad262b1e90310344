// The bounds of a decoder: memory, time and damage.
#include <gtest/gtest.h>
#include <sys/resource.h>

extern "C" {
#include <libavutil/mem.h>
}

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "base/test_files.h"
#include "data/decode/decoded_video.h"
#include "data/decode/ffmpeg_program.h"
#include "data/decode/media_error.h"
#include "data/decode/video_decoder.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

// While this object lives, libav cannot allocate a block of more than `bytes`.
class LargestBlock {
 public:
  explicit LargestBlock(size_t bytes) { av_max_alloc(bytes); }
  ~LargestBlock() { av_max_alloc(INT_MAX); }
};

// A GIF of `pixels` x `pixels` in two colours that stores only one pixel.
std::string HugeGif(int pixels) {
  const std::string path = TestFolder("gif") + "/huge.gif";
  const std::string side = {static_cast<char>(pixels & 0xff), static_cast<char>(pixels >> 8)};
  WriteTestFile(path, "GIF89a" + side + side + std::string("\x80\0\0", 3) +
                          std::string("\0\0\0\xff\xff\xff", 6) + std::string(",\0\0\0\0", 5) +
                          side + side + std::string("\0\x02\x02\x44\x01\0;", 7));
  return path;
}

TEST(DecodeLimitsTest, APictureOverTheBoundIsRefusedBeforeAllocation) {
  for (const auto& [pixels, bound] : {std::pair{16000, 64 * kMiB}, {8000, 200 * kMiB}}) {
    const std::string gif = HugeGif(pixels);
    VideoDecoderOptions options;
    options.max_decoded_frame_bytes = bound;
    options.sizing.short_side = 128;
    const LargestBlock block(16 * kMiB);
    const Decoded decoded = DecodeAll(gif, options);
    EXPECT_EQ(ReasonOf(decoded.status), kReasonFrameTooLarge) << decoded.status;
    EXPECT_NE(decoded.status.message().find(gif), std::string::npos);
  }
}

int64_t PeakKib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return 0;
}

// libavformat decodes a picture itself when it probes the file. Here that would take 92 MiB.
TEST(DecodeLimitsTest, NothingIsDecodedBeforeTheSizeIsChecked) {
  const std::string path = TestFolder("wide") + "/wide.mkv";
  RunFfmpeg("-f lavfi -i color=red:size=8000x8000 -frames:v 1 -c:v ffv1 " + path);
  EXPECT_EXIT(
      {
        std::ofstream("/proc/self/clear_refs") << 5;  // resets the peak
        const int64_t before = PeakKib();
        VideoDecoderOptions options;
        options.max_decoded_frame_bytes = 50 * kMiB;
        const absl::Status status = VideoDecoder::Open(path, options).status();
        const bool refused = ReasonOf(status) == kReasonFrameTooLarge;
        std::_Exit(refused && PeakKib() - before < 50 << 10 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(DecodeLimitsTest, AnRgbFrameThatIsTooLargeIsRefusedBeforeAllocation) {
  const std::string path =
      MakeClip("narrow.mkv", "color=red:size=2x8192:rate=5:duration=0.4", "-c:v ffv1");
  VideoDecoderOptions options;
  for (const int short_side : {128, 160}) {  // 192 MiB with a side of 524288; 300 MiB
    options.sizing.short_side = short_side;
    EXPECT_EQ(ReasonOf(DecodeAll(path, options).status), kReasonFrameTooLarge);
  }
  VideoDecoderOptions native;
  native.max_output_frame_bytes = 2 * 8192 * 3;
  EXPECT_EQ(DecodeAll(path, native).frames.size(), 2u);
  native.max_output_frame_bytes -= 1;
  EXPECT_EQ(ReasonOf(DecodeAll(path, native).status), kReasonFrameTooLarge);
  const std::string wide =
      MakeClip("wide.mkv", "color=red:size=1024x64:rate=5:duration=0.4", "-c:v ffv1");
  options.sizing.short_side = 1024;  // 16384 x 1024: 48 MiB
  {
    const LargestBlock block(32 * kMiB);
    const Decoded decoded = DecodeAll(wide, options);
    EXPECT_TRUE(IsMachineError(decoded.status)) << decoded.status;
    options.max_output_frame_bytes = 47 * kMiB;
    EXPECT_EQ(ReasonOf(DecodeAll(wide, options).status), kReasonFrameTooLarge);
  }
}

// The frames before the picture are given. The container does not tell the picture's size.
TEST(DecodeLimitsTest, ALargePictureInTheMiddleIsRefusedToo) {
  const std::string folder = TestFolder("growing");
  for (const char* codec : {"libx264", "mpeg2video", "libx265 -x265-params log-level=none"}) {
    std::string both;
    for (const char* size : {"64x48", "1280x960"}) {
      const std::string part = folder + "/part.ts";
      RunFfmpeg(std::string("-f lavfi -i testsrc2=size=") + size +
                ":rate=25:duration=0.4 -pix_fmt yuv420p -c:v " + codec + " " + part);
      both += ReadTestFile(part);
    }
    WriteTestFile(folder + "/both.ts", both);
    // MPEG-2 codes 64 x 64 pixels, and this is their size in memory.
    for (const int64_t bound : {1280 * 960 * 3 / 2 - 1, 64 * 64 * 3 / 2}) {
      VideoDecoderOptions options;
      options.max_decoded_frame_bytes = bound;
      const Decoded decoded = DecodeAll(folder + "/both.ts", options);
      EXPECT_EQ(ReasonOf(decoded.status), kReasonFrameTooLarge) << codec << bound << decoded.status;
      if (std::string(codec) == "mpeg2video") continue;  // its parser finds the size at once
      EXPECT_GE(decoded.frames.size(), 8u) << codec;
      EXPECT_EQ(decoded.size, (FrameSize{64, 48})) << codec;
    }
    VideoDecoderOptions fits;
    fits.max_decoded_frame_bytes = 1280 * 960 * 3 / 2;
    EXPECT_TRUE(DecodeAll(folder + "/both.ts", fits).status.ok()) << codec;
  }
}

// Whichever allocation is the first to fail, it is not an error of the file.
TEST(DecodeLimitsTest, ALackOfMemoryIsTheMachinesError) {
  for (const char* encoding : {"-c:v libx264 clip.mp4", "-c:v mpeg4 clip.avi", "-c:v ffv1 clip.mkv",
                               "-c:v mpeg2video clip.ts", "-c:v libvpx clip.webm"}) {
    const std::string text = encoding;
    const size_t cut = text.rfind(' ');
    const std::string path =
        MakeClip(text.substr(cut + 1), "testsrc2=size=640x480:rate=25:duration=0.4",
                 "-pix_fmt yuv420p " + text.substr(0, cut));
    int64_t failed = 0;
    for (size_t bytes = 1 << 7; bytes <= size_t{64} << 20; bytes *= 2) {
      const LargestBlock block(bytes);
      const Decoded decoded = DecodeAll(path);
      failed += decoded.status.ok() ? 0 : 1;
      EXPECT_TRUE(decoded.status.ok() || IsMachineError(decoded.status))
          << path << ", blocks up to " << bytes << ": " << decoded.status;
      if (decoded.status.ok()) {
        EXPECT_EQ(decoded.frames.size(), 10u) << path << ", blocks up to " << bytes;
        EXPECT_EQ(PartialReason(decoded.stats), "") << path << ", blocks up to " << bytes;
      }
    }
    EXPECT_GT(failed, 8);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Uses the limit that `ulimit -v` sets, in a child process. (Sanitizers need more address space.)
TEST(DecodeLimitsTest, AFullAddressSpaceDamagesNoPacket) {
  const std::string path = MakeClip("clip.mp4", "testsrc2=size=3840x2160:rate=25:duration=0.2",
                                    "-c:v libx264 -preset ultrafast -pix_fmt yuv420p");
  for (const int64_t room : {8 * kMiB, 24 * kMiB, 40 * kMiB}) {
    EXPECT_EXIT(
        {
          std::ifstream statm("/proc/self/statm");
          int64_t pages = 0;
          statm >> pages;
          rlimit limit = {};
          getrlimit(RLIMIT_AS, &limit);
          limit.rlim_cur = static_cast<rlim_t>(pages * 4096 + room);
          setrlimit(RLIMIT_AS, &limit);
          auto decoder = VideoDecoder::Open(path, {});
          absl::Status status = decoder.status();
          for (bool more = decoder.ok(); more;) {
            const auto next = (*decoder)->Next();
            status = next.status();
            more = next.ok() && *next;
          }
          std::fprintf(stderr, "%s\n", status.ToString().c_str());
          std::_Exit(IsMachineError(status) ? 0 : 1);
        },
        testing::ExitedWithCode(0), "")
        << room;
  }
}
#endif

// Fills the pictures `from` to `to` of `all` with bytes that no codec accepts.
void Damage(const std::string& path, double from, double to) {
  std::string bytes = ReadTestFile(path);
  const size_t mdat = bytes.find("mdat") + 4;
  const size_t moov = bytes.find("moov") - 4;
  ASSERT_LT(mdat, moov);
  const double all = static_cast<double>(moov - mdat);
  std::fill(bytes.begin() + static_cast<int64_t>(mdat + all * from),
            bytes.begin() + static_cast<int64_t>(mdat + all * to), '\xff');
  WriteTestFile(path, bytes);
}

TEST(DecodeLimitsTest, LongDamageIsSkippedAsFfmpegDoes) {
  const std::string path = MakeClip("long.mp4", "testsrc2=size=64x64:rate=25:duration=64",
                                    "-c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p");
  Damage(path, 0.1, 0.9);
  const Decoded decoded = DecodeAll(path);
  EXPECT_TRUE(decoded.status.ok()) << decoded.status;
  EXPECT_GT(decoded.stats.damaged_packets, 1000);
  EXPECT_GT(decoded.frames.size(), 250u);
  ExpectSameBytes(decoded.rgb, FfmpegFrames(path), path);
}

TEST(DecodeLimitsTest, DamageIsBoundedByItsBytes) {
  const std::string path = MakeClip("whole.mp4", "testsrc2=size=64x64:rate=25:duration=4",
                                    "-c:v libx264 -g 10 -pix_fmt yuv420p");
  Damage(path, 0, 1);
  VideoDecoderOptions options;
  options.max_damaged_bytes = 2000;
  const Decoded decoded = DecodeAll(path, options);
  EXPECT_EQ(decoded.status.code(), absl::StatusCode::kDataLoss) << decoded.status;
  EXPECT_EQ(ReasonOf(decoded.status), kReasonTooDamaged);
  options.max_damaged_bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  EXPECT_TRUE(DecodeAll(path, options).status.ok());
}

// Each poll of the interruption advances the clock by a second.
TEST(DecodeLimitsTest, DamageIsBoundedByTimeAndSoundFramesAreNot) {
  const std::string path = MakeClip("clip.mp4", "testsrc2=size=64x64:rate=25:duration=10",
                                    "-c:v libx264 -g 10 -bf 0 -pix_fmt yuv420p");
  int64_t now_us = 0;
  VideoDecoderOptions options;
  options.clock_us = [&now_us] { return now_us; };
  options.interrupted = [&now_us] {
    now_us += 1'000'000;
    return false;
  };
  const Decoded sound = DecodeAll(path, options);
  EXPECT_TRUE(sound.status.ok()) << sound.status;
  EXPECT_EQ(sound.frames.size(), 250u);
  EXPECT_GT(now_us, 250'000'000);
  Damage(path, 0.3, 1);
  const Decoded damaged = DecodeAll(path, options);
  EXPECT_EQ(ReasonOf(damaged.status), kReasonNoProgress) << damaged.status;
  EXPECT_GT(damaged.frames.size(), 50u);
}

}  // namespace
}  // namespace slimreel
