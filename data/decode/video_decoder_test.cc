#include "data/decode/video_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/decode/libav_handles.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

struct Decoded {
  std::vector<uint8_t> rgb;  // all frames, one after the other
  std::vector<FrameInfo> frames;
  FrameSize size;
  DecodeStats stats;
  absl::Status status;
};

Decoded DecodeAll(const std::string& path, const VideoDecoderOptions& options = {}) {
  QuietLibavLog();
  Decoded decoded;
  auto decoder = VideoDecoder::Open(path, options);
  decoded.status = decoder.status();
  if (!decoder.ok()) return decoded;
  for (;;) {
    auto more = (*decoder)->Next();
    decoded.status = more.status();
    if (!more.ok() || !*more) break;
    decoded.size = (*decoder)->size();
    decoded.frames.push_back((*decoder)->frame());
    const size_t frame_bytes = decoded.size.rgb_bytes();
    decoded.rgb.resize(decoded.rgb.size() + frame_bytes);
    (*decoder)->CopyRgb({decoded.rgb.data() + decoded.rgb.size() - frame_bytes, frame_bytes});
  }
  decoded.stats = (*decoder)->stats();
  return decoded;
}

// Not EXPECT_EQ: it would print megabytes.
void ExpectSameBytes(const std::vector<uint8_t>& ours, const std::vector<uint8_t>& theirs,
                     const std::string& what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  const auto [a, b] = std::mismatch(ours.begin(), ours.end(), theirs.begin());
  EXPECT_TRUE(a == ours.end()) << what << ": first difference at byte " << (a - ours.begin())
                               << ", " << int{*a} << " against " << int{*b};
}

void ExpectSameAsFfmpeg(const std::string& path) {
  const Decoded native = DecodeAll(path);
  ASSERT_TRUE(native.status.ok()) << native.status;
  ASSERT_FALSE(native.frames.empty()) << path;
  ExpectSameBytes(native.rgb, FfmpegFrames(path), path);
  VideoDecoderOptions options;
  options.sizing.short_side = 112;
  const Decoded resized = DecodeAll(path, options);
  ASSERT_TRUE(resized.status.ok()) << resized.status;
  const std::string filter = "scale=" + std::to_string(resized.size.width) + ":" +
                             std::to_string(resized.size.height) + ":flags=bilinear";
  EXPECT_EQ(std::min(resized.size.width, resized.size.height), 112);
  ExpectSameBytes(resized.rgb, FfmpegFrames(path, filter), path + " with " + filter);
}

std::string MakeClip(const std::string& name, const std::string& source,
                     const std::string& encoding) {
  const std::string path = TestFolder("clip") + "/" + name;
  RunFfmpeg("-f lavfi -i " + source + " " + encoding + " " + path);
  return path;
}

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

TEST(VideoDecoderTest, TheFirstVideoStreamIsTakenAndNotTheLargest) {
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

// Without its first key frame, the stream starts with what cannot be decoded: at 0.04 s,
// while the first picture is that of 0.48 s.
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

TEST(VideoDecoderTest, DamageInTheMiddleCostsWhatItHitsAlone) {
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

TEST(VideoDecoderTest, ARunOfErrorsIsCapped) {
  const std::string path = MakeClip("whole.mp4", "testsrc2=size=64x64:rate=25:duration=4",
                                    "-c:v libx264 -g 10 -pix_fmt yuv420p");
  std::string bytes = ReadTestFile(path);
  const size_t mdat = bytes.find("mdat"), moov = bytes.find("moov");
  ASSERT_LT(mdat, moov);
  std::fill(bytes.begin() + mdat + 4, bytes.begin() + moov - 4, '\xff');
  WriteTestFile(path, bytes);
  VideoDecoderOptions options;
  options.max_consecutive_errors = 10;
  const Decoded decoded = DecodeAll(path, options);
  EXPECT_EQ(decoded.status.code(), absl::StatusCode::kDataLoss) << decoded.status;
  EXPECT_EQ(ReasonOf(decoded.status), kReasonTooDamaged);
}

TEST(VideoDecoderTest, FilesThatAreNoVideoSayWhy) {
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
  bytes.resize(bytes.size() / 2);  // the index stood at the end
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

// Counts by the ffmpeg program; four of them contradict the header.
TEST(VideoDecoderTest, EveryRealFileIsBitExact) {
  if (RealMediaFolder().empty()) GTEST_SKIP() << "SLIMREEL_MEDIA is not set";
  for (const char* folder : {"/video", "/odd"}) {
    for (const std::string& path : FilesOf(RealMediaFolder() + folder)) ExpectSameAsFfmpeg(path);
  }
  for (const char* file :
       {"/video/flipping_a_pancake.mkv", "/odd/av1_video.mkv", "/odd/testsrc2_vp9.webm"}) {
    EXPECT_FALSE(DecodeAll(RealMediaFolder() + file).stats.truncated) << file;
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
