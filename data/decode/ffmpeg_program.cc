#include "data/decode/ffmpeg_program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace slimreel {

void RunFfmpeg(const std::string& arguments) {
  const std::string command = "ffmpeg -nostdin -y -v error " + arguments;
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

std::vector<uint8_t> FfmpegFrames(const std::string& path, const std::string& filter) {
  const std::string raw = TestFolder("reference") + "/frames.rgb";
  // Damaged files make ffmpeg complain, and go on.
  const std::string command =
      "ffmpeg -nostdin -y -v fatal -threads 1 -i '" + path + "' -map 0:V:0 -fps_mode passthrough " +
      (filter.empty() ? "" : "-vf " + filter + " ") + "-pix_fmt rgb24 -f rawvideo '" + raw + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::vector<uint8_t> frames = ReadBytes(raw);
  std::filesystem::remove(raw);
  return frames;
}

std::string TestFolder(const std::string& name) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "slimreel_test";
  if (info != nullptr) folder /= std::string(info->test_suite_name()) + "." + info->name();
  folder /= name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder.string();
}

std::vector<uint8_t> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteBytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

std::string RealMediaFolder() {
  const char* folder = std::getenv("SLIMREEL_MEDIA");
  return folder == nullptr ? "" : folder;
}

}  // namespace slimreel
