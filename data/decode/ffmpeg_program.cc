#include "data/decode/ffmpeg_program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/test_files.h"

namespace slimreel {

void RunFfmpeg(const std::string& arguments) {
  const std::string command = "ffmpeg -nostdin -y -v error " + arguments;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

std::vector<uint8_t> FfmpegFrames(const std::string& path, const std::string& filter) {
  const std::string raw = TestFolder("reference") + "/frames.rgb";
  // ffmpeg complains about damaged files and goes on. Its exit status must still be 0.
  const std::string command = "ffmpeg -nostdin -y -v fatal -max_error_rate 1 -threads 1 -i '" +
                              path + "' -map 0:V:0 -fps_mode passthrough " +
                              (filter.empty() ? "" : "-vf " + filter + " ") +
                              "-pix_fmt rgb24 -f rawvideo '" + raw + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const std::string bytes = ReadTestFile(raw);
  std::filesystem::remove(raw);
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

std::string RealMediaFolder() {
  const char* folder = std::getenv("SLIMREEL_MEDIA");
  return folder == nullptr ? "" : folder;
}

}  // namespace slimreel
