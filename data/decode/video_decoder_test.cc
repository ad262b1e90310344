#include "data/decode/video_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/test_files.h"
#include "data/decode/decoded_video.h"
#include "data/decode/ffmpeg_program.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

TEST(VideoDecoderTest, H264WithBFramesIsBitExact) {
  ExpectSameAsFfmpeg(MakeClip("bframes.mp4", "testsrc2=size=320x240:rate=25:duration=1.2",
                              "-c:v libx264 -bf 3 -g 12 -pix_fmt yuv420p"));
}

TEST(VideoDecoderTest, OddSizesAreBitExact) {
  ExpectSameAsFfmpeg(MakeClip("odd444.mp4", "testsrc2=size=321x241:rate=10:duration=1",
                              "-c:v libx264 -pix_fmt yuv444p"));
  ExpectSameAsFfmpeg(MakeClip("width200.mp4", "testsrc2=size=200x112:rate=10:duration=1",
                              "-c:v libx264 -pix_fmt yuv420p"));
  ExpectSameAsFfmpeg(MakeClip("odd420.avi", "testsrc2=size=339x255:rate=10:duration=1",
                              "-c:v ffv1 -pix_fmt yuv420p"));
}

TEST(VideoDecoderTest, TenBitsAreBitExact) {
  ExpectSameAsFfmpeg(MakeClip("ten.mp4", "testsrc2=size=200x200:rate=10:duration=1",
                              "-c:v libx264 -pix_fmt yuv420p10le"));
}

TEST(VideoDecoderTest, RangeAndMatrixAreBitExact) {
  ExpectSameAsFfmpeg(MakeClip("full709.mp4", "testsrc2=size=320x180:rate=10:duration=1",
                              "-vf scale=out_range=pc:out_color_matrix=bt709 -c:v libx264 -pix_fmt "
                              "yuv420p -color_range pc -colorspace bt709"));
}

TEST(VideoDecoderTest, RotatedClipsAreBitExactAndUpright) {
  const std::string plain = MakeClip("plain.mp4", "testsrc2=size=320x176:rate=10:duration=1",
                                     "-c:v libx264 -pix_fmt yuv420p");
  for (const int degrees : {90, 180, 270}) {
    const std::string path = TestFolder("rotated") + "/rotated.mov";
    RunFfmpeg("-i " + plain + " -c copy -metadata:s:v rotate=" + std::to_string(degrees) + " " +
              path);
    ExpectSameAsFfmpeg(path);
    const Decoded decoded = DecodeAll(path);
    EXPECT_EQ(decoded.size, degrees == 180 ? (FrameSize{320, 176}) : (FrameSize{176, 320}));
  }
}

// Joins clips into one stream.
std::string Joined(const std::vector<std::string>& parts) {
  const std::string path =
      TestFolder("joined") + "/joined" + std::filesystem::path(parts[0]).extension().string();
  std::string bytes;
  for (const std::string& part : parts) bytes += ReadTestFile(part);
  WriteTestFile(path, bytes);
  return path;
}

TEST(VideoDecoderTest, FramesAfterAChangeOfSizeAreBitExact) {
  const std::string folder = TestFolder("sizes");
  for (const std::string kind : {".ts", ".h264", ".m2v", ".webm"}) {
    const std::string small = folder + "/small" + kind;
    const std::string large = folder + "/large" + kind;
    const std::string other = folder + "/other" + kind;  // another pixel format
    const std::string options = kind == ".webm" ? "-deadline realtime " : "-g 6 ";
    RunFfmpeg("-f lavfi -i testsrc2=size=160x90:rate=25:duration=0.4 " + options + small);
    RunFfmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=0.4 " + options + large);
    RunFfmpeg("-f lavfi -i testsrc2=size=160x90:rate=25:duration=0.4 -pix_fmt yuv422p " + options +
              other);
    for (const std::vector<std::string>& parts :
         {std::vector{small, large}, {large, small}, {small, other}, {other, large, small}}) {
      const std::string path = Joined(parts);
      ExpectNativeSameAsFfmpeg(path);
      const Decoded decoded = DecodeAll(path);
      EXPECT_EQ(PartialReason(decoded.stats), "") << path;
      // libavformat reads only the first two of several joined Matroska files.
      EXPECT_GE(decoded.frames.size(), 10 * std::min<size_t>(parts.size(), 2) - 2) << path;
    }
  }
}

// Each frame goes from its own size to the stored one in one bilinear step, as in a file with only
// frames of that size. The place of the change does not matter.
TEST(VideoDecoderTest, ResizedFramesAfterAChangeOfSizeEqualThoseOfAFileWithoutOne) {
  const std::string folder = TestFolder("sizes");
  const std::string small = folder + "/small.ts", large = folder + "/large.ts";
  RunFfmpeg("-f lavfi -i testsrc2=size=160x90:rate=25:duration=0.4 -c:v libx264 " + small);
  RunFfmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=0.4 -c:v libx264 " + large);
  for (const auto& [first, second, size] :
       {std::tuple{small, large, "100:56"}, {large, small, "75:56"}}) {
    VideoDecoderOptions options;
    options.sizing.short_side = 56;
    const Decoded decoded = DecodeAll(Joined({first, second}), options);
    ASSERT_TRUE(decoded.status.ok()) << decoded.status;
    EXPECT_EQ(decoded.stats.size_changes, 1);
    const std::string filter = std::string("scale=") + size + ":flags=bilinear";
    std::vector<uint8_t> expected = FfmpegFrames(first, filter);
    const std::vector<uint8_t> rest = FfmpegFrames(second, filter);
    expected.insert(expected.end(), rest.begin(), rest.end());
    ExpectSameBytes(decoded.rgb, expected, first + " and " + second);
  }
}

TEST(VideoDecoderTest, TheFirstVideoStreamIsUsedNotTheLargest) {
  const std::string path = TestFolder("two") + "/two.mp4";
  RunFfmpeg(
      "-f lavfi -i testsrc2=size=64x48:rate=10:duration=0.5 -f lavfi -i "
      "testsrc2=size=320x240:rate=10:duration=1 -map 0 -map 1 -c:v libx264 -pix_fmt yuv420p " +
      path);
  EXPECT_EQ(DecodeAll(path).size, (FrameSize{64, 48}));
  EXPECT_EQ(DecodeAll(path).frames.size(), 5u);
}

TEST(VideoDecoderTest, EditListsAndDiscardFlagsAreHonoured) {
  const std::string whole = MakeClip("whole.mp4", "testsrc2=size=64x64:rate=10:duration=3",
                                     "-c:v libx264 -g 30 -pix_fmt yuv420p");
  const std::string cut = TestFolder("cut") + "/cut.mp4";
  RunFfmpeg("-ss 1.0 -i " + whole + " -c copy " +
            cut);  // copy from the key frame, edit list hides 10
  ExpectSameAsFfmpeg(cut);
  EXPECT_EQ(DecodeAll(cut).frames.size(), 20u);
}

TEST(VideoDecoderTest, TimesCountFromTheStreamsStartAndFollowVariableRate) {
  const std::string path =
      MakeClip("vfr.mkv", "testsrc2=size=64x64:rate=10:duration=1",
               "-vf \"setpts='if(lt(N,5),N,N*3)/10/TB+7/TB'\" -fps_mode vfr -c:v libx264");
  const Decoded decoded = DecodeAll(path);
  ASSERT_EQ(decoded.frames.size(), 10u);
  EXPECT_EQ(decoded.frames[0].pts_us, 0);
  EXPECT_EQ(decoded.frames[4].pts_us, 400000);
  EXPECT_EQ(decoded.frames[5].pts_us, 1500000);
  EXPECT_TRUE(decoded.frames[0].key);
  EXPECT_EQ(decoded.stats.estimated_pts, 0);
}

// Without its first key frame, the stream starts at 0.04 s with frames that cannot be decoded. The
// first decoded picture is that of 0.48 s.
TEST(VideoDecoderTest, TheStreamsStartIsNotTheFirstFrameThatCouldBeDecoded) {
  const std::string folder = TestFolder("cut");
  RunFfmpeg("-f lavfi -i testsrc2=size=64x64:rate=25 -frames:v 30 -c:v libx264 -g 12 -bf 0 " +
            folder + "/whole.mkv");
  RunFfmpeg("-copyts -i " + folder +
            "/whole.mkv -c copy -copyinkf -bsf:v \"noise=drop='eq(n\\,0)'\" " + folder +
            "/cut.mkv");
  const Decoded decoded = DecodeAll(folder + "/cut.mkv");
  ASSERT_EQ(decoded.frames.size(), 18u);
  EXPECT_EQ(decoded.frames[0].pts_us, 440000);
  EXPECT_EQ(decoded.frames[1].pts_us, 480000);
}

TEST(VideoDecoderTest, OneBadTimeCostsOnlyItsOwnFrame) {
  const std::string whole = MakeClip("whole.mp4", "testsrc2=size=64x64:rate=25:duration=2",
                                     "-c:v libx264 -bf 2 -pix_fmt yuv420p");
  // In decoding order; 49 is shown last. Only MP4 stores the end of the stream separately.
  for (const auto& [name, number] :
       {std::pair{"bad.mp4", 20}, {"bad.mp4", 49}, {"bad.mkv", 20}, {"bad.ts", 20}}) {
    const std::string path = TestFolder("bad") + "/" + name;
    RunFfmpeg("-i " + whole + " -c copy -bsf:v \"setts=pts=if(eq(N\\," + std::to_string(number) +
              ")\\,PTS+900000\\,PTS):dts=DTS\" " + path);
    const Decoded decoded = DecodeAll(path);
    ASSERT_EQ(decoded.frames.size(), 50u) << path;
    EXPECT_EQ(decoded.stats.estimated_pts, 1) << path << ", " << number;
    for (size_t i = 0; i < decoded.frames.size(); ++i) {
      EXPECT_EQ(decoded.frames[i].pts_us, 40000 * static_cast<int64_t>(i))
          << path << ", " << number;
    }
  }
}

TEST(VideoDecoderTest, MissingTimesAreFilledInAndCounted) {
  const std::string path = TestFolder("raw") + "/raw.h264";  // an elementary stream has no times
  RunFfmpeg("-f lavfi -i testsrc2=size=64x64:rate=25:duration=1 -c:v libx264 -bf 2 -f h264 " +
            path);
  const Decoded decoded = DecodeAll(path);
  ASSERT_EQ(decoded.frames.size(), 25u);
  EXPECT_GT(decoded.stats.estimated_pts, 0);
  for (size_t i = 1; i < decoded.frames.size(); ++i) {
    EXPECT_EQ(decoded.frames[i].pts_us - decoded.frames[i - 1].pts_us, 40000) << i;
  }
}

TEST(VideoDecoderTest, MoreThreadsGiveTheSameFramesOfASoundFile) {
  const std::string path = MakeClip("sound.mp4", "testsrc2=size=320x240:rate=25:duration=2",
                                    "-c:v libx264 -bf 2 -pix_fmt yuv420p");
  VideoDecoderOptions options;
  options.threads = 4;
  ExpectSameBytes(DecodeAll(path, options).rgb, DecodeAll(path).rgb, path);
}

TEST(VideoDecoderTest, ATruncatedFileGivesWhatDecodesAndSaysSo) {
  const std::string path = MakeClip("whole.mp4", "testsrc2=size=320x240:rate=25:duration=2",
                                    "-c:v libx264 -movflags +faststart -pix_fmt yuv420p");
  std::string bytes = ReadTestFile(path);
  EXPECT_FALSE(DecodeAll(path).stats.truncated);
  bytes.resize(bytes.size() / 2);
  WriteTestFile(path, bytes);
  const Decoded cut = DecodeAll(path);
  EXPECT_TRUE(cut.status.ok()) << cut.status;
  EXPECT_TRUE(cut.stats.truncated);
  EXPECT_GT(cut.frames.size(), 5u);
  EXPECT_LT(cut.frames.size(), 50u);
  ExpectSameBytes(cut.rgb, FfmpegFrames(path), path);
}

TEST(VideoDecoderTest, DamageInTheMiddleCostsOnlyTheFramesItHits) {
  const std::string path = MakeClip("whole.mp4", "testsrc2=size=320x240:rate=25:duration=2",
                                    "-c:v libx264 -g 10 -pix_fmt yuv420p");
  std::string bytes = ReadTestFile(path);
  for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 4000; ++i)
    bytes[i] = static_cast<char>(i * 37);
  WriteTestFile(path, bytes);
  const Decoded damaged = DecodeAll(path);
  EXPECT_TRUE(damaged.status.ok()) << damaged.status;
  EXPECT_GT(damaged.stats.damaged_packets + damaged.stats.damaged_frames, 0);
  EXPECT_GT(damaged.frames.size(), 25u);
  ExpectSameBytes(damaged.rgb, FfmpegFrames(path), path);
}

TEST(VideoDecoderTest, FilesThatAreNotVideosGiveAReason) {
  const std::string folder = TestFolder("bad");
  WriteTestFile(folder + "/text.mp4", std::string(2000, 'a'));
  WriteTestFile(folder + "/empty.mp4", "");
  RunFfmpeg("-f lavfi -i sine=duration=0.2 " + folder + "/sound.wav");
  const std::map<std::string, std::string_view> reasons = {{"text.mp4", kReasonNotMedia},
                                                           {"empty.mp4", kReasonNotMedia},
                                                           {"sound.wav", kReasonNoVideo},
                                                           {"absent.mp4", kReasonNotFound}};
  for (const auto& [file, reason] : reasons) {
    const Decoded decoded = DecodeAll(folder + "/" + file);
    EXPECT_EQ(ReasonOf(decoded.status), reason) << decoded.status;
    EXPECT_NE(decoded.status.message().find(file), std::string::npos) << decoded.status;
  }
}

TEST(VideoDecoderTest, AMovieWithoutItsIndexIsRejected) {
  const std::string path = MakeClip("tail.mp4", "testsrc2=size=64x64:rate=25:duration=1",
                                    "-c:v libx264 -pix_fmt yuv420p");
  std::string bytes = ReadTestFile(path);
  bytes.resize(bytes.size() / 2);  // the index was at the end
  WriteTestFile(path, bytes);
  EXPECT_EQ(ReasonOf(DecodeAll(path).status), kReasonNotMedia);
}

TEST(VideoDecoderTest, AnInterruptionEndsWithCancelled) {
  const std::string path = MakeClip("long.mp4", "testsrc2=size=64x64:rate=25:duration=4",
                                    "-c:v libx264 -pix_fmt yuv420p");
  int polls = 0;
  VideoDecoderOptions options;
  options.interrupted = [&polls] { return ++polls > 60; };
  EXPECT_EQ(DecodeAll(path, options).status.code(), absl::StatusCode::kCancelled);
}

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The counts are those of the ffmpeg program. Four contradict the header. One file is damaged.
TEST(VideoDecoderTest, EveryRealFileIsBitExact) {
  if (RealMediaFolder().empty()) GTEST_SKIP() << "SLIMREEL_MEDIA is not set";
  for (const char* folder : {"/video", "/odd"}) {
    for (const std::string& path : FilesOf(RealMediaFolder() + folder)) {
      ExpectSameAsFfmpeg(path);
      const std::string reason = PartialReason(DecodeAll(path).stats);
      EXPECT_EQ(reason, path.ends_with("/corrupted.mp4") ? kReasonDamagedPackets : "") << path;
    }
  }
  const std::map<std::string, size_t> counts = {{"discard_first_keyframe.mp4", 25},
                                                {"corrupted.mp4", 49},
                                                {"test_non_zero_start.mp4", 12},
                                                {"h264_10bits.mp4", 30}};
  for (const auto& [file, count] : counts) {
    EXPECT_EQ(DecodeAll(RealMediaFolder() + "/odd/" + file).frames.size(), count) << file;
  }
}

}  // namespace
}  // namespace slimreel
