#include "data/pipeline/testing/prepare_fixture.h"

#include <filesystem>
#include <fstream>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/shard/dataset_info.h"
#include "data/shard/npy.h"
#include "data/shard/shard_file.h"
#include "data/shard/shard_reader.h"

namespace slimreel {

namespace fs = std::filesystem;

void PrepareTest::SetUp() {
  root_ = TestFolder("prepare");
  for (const char* clip : {"left/a", "left/b", "left/c", "right/a", "right/b"}) MakeClip(clip);
}

namespace {

// Writes the H.264 clip of these ffmpeg arguments. Encodes each clip once per process.
void MakeOnce(const std::string& arguments, const std::string& path) {
  static auto& made = *new std::map<std::string, std::string>();
  fs::create_directories(fs::path(path).parent_path());
  const auto [clip, is_new] = made.try_emplace(arguments);
  if (is_new) {
    RunFfmpeg(arguments + " -c:v libx264 -bf 2 -g 8 -pix_fmt yuv420p " + path);
    clip->second = ReadTestFile(path);
  } else {
    WriteTestFile(path, clip->second);
  }
}

}  // namespace

void PrepareTest::MakeClip(const std::string& name, int frames) const {
  MakeOnce("-f lavfi -i testsrc2=size=96x64:rate=25:duration=4 -frames:v " +
               std::to_string(frames) + " -vf hue=h=" + std::to_string(name[5] * 20),
           root_ + "/in/" + name + ".mp4");
}

void PrepareTest::MakeOtherClip(const std::string& path, int frames) const {
  MakeOnce("-f lavfi -i mandelbrot=size=96x64:rate=25 -frames:v " + std::to_string(frames),
           root_ + "/in/" + path);
}

void PrepareTest::WriteKeypoints(const std::string& name, int64_t frames, float first) const {
  std::vector<float> values;
  for (int64_t i = 0; i < 2 * frames * 17; ++i) {
    values.insert(values.end(), {first + i, 2.0f * i, 0.5f});
  }
  WriteTestFile(root_ + "/in/" + name + ".kpts.npy",
                NpyFile(NpyType::kFloat32, {2, frames, 17, 3}, values.data()));
}

PrepareOptions PrepareTest::Options(const std::string& output) const {
  PrepareOptions options;
  options.inputs = {root_ + "/in"};
  options.output = root_ + "/" + output;
  options.data.short_side = 32;
  options.data.max_video_frames = 10;
  options.data.min_chunk_frames = 1;
  options.data.shard_size = 100000;
  return options;
}

std::map<std::string, std::string> PrepareTest::Contents(const std::string& output) const {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(root_ + "/" + output)) {
    const std::string name = entry.path().filename();
    if (name[0] == '.' || name.find("report") != std::string::npos) continue;
    contents[name] = ReadTestFile(entry.path());
  }
  return contents;
}

void PrepareTest::ExpectSame(const std::string& a, const std::string& b) const {
  const auto left = Contents(a), right = Contents(b);
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [name, bytes] : left) {
    EXPECT_TRUE(right.count(name) == 1 && right.at(name) == bytes) << name;
  }
}

void PrepareTest::ExpectNothingHalfWritten(const std::string& output, bool died) const {
  bool any = false;
  for (const auto& entry : fs::recursive_directory_iterator(root_ + "/" + output)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(died || name.rfind(".writing-", 0) != 0) << name;
    if (name[0] == '.' || entry.path().extension() != ".tar") continue;
    any = any || entry.path().parent_path() == root_ + "/" + output;
    const auto shard = ShardFile::Open(entry.path());
    ASSERT_TRUE(shard.ok()) << shard.status();
    for (int64_t i = 0; i < (*shard)->index().num_samples(); ++i) {
      EXPECT_TRUE((*shard)->Verify(i).ok()) << (*shard)->Verify(i);
    }
  }
  const auto info = ReadDatasetInfo(root_ + "/" + output);
  const bool listed = info.ok() && info->splits.count("train") > 0;
  const auto opened = ShardDataset::Open(root_ + "/" + output, "train");
  EXPECT_EQ(opened.ok(), listed) << opened.status();
  if (any && !listed) {
    EXPECT_EQ(ExitCodeOf(opened.status()), ExitCode::kDataUnusable);
  }
}

std::vector<nlohmann::json> PrepareTest::Report(const std::string& output) const {
  std::vector<nlohmann::json> lines;
  std::ifstream file(root_ + "/" + output + "/prepare_report.jsonl");
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace slimreel
