// Checks the reference itself, on frames with known pixels.
#include "data/decode/ffmpeg_program.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

std::string OrangeClip() {
  const std::string path = TestFolder("clip") + "/orange.mkv";
  RunFfmpeg("-f lavfi -i color=c=0xff8000:size=4x2:rate=5:duration=0.6,format=gbrp -c:v ffv1 " +
            path);
  return path;
}

TEST(FfmpegProgramTest, FramesArePackedRgbOneAfterTheOther) {
  std::vector<uint8_t> expected;
  for (int pixel = 0; pixel < 3 * 2 * 4; ++pixel) {
    expected.insert(expected.end(), {0xff, 0x80, 0x00});
  }
  EXPECT_EQ(FfmpegFrames(OrangeClip()), expected);
}

TEST(FfmpegProgramTest, TheFilterIsApplied) {
  EXPECT_EQ(FfmpegFrames(OrangeClip(), "scale=2:2").size(), 3u * 2 * 2 * 3);
}

TEST(FfmpegProgramTest, AFailureFailsTheTest) {
  EXPECT_FATAL_FAILURE(RunFfmpeg("-i /no/such/file.mp4 -f null -"), "/no/such/file.mp4");
}

}  // namespace
}  // namespace slimreel
