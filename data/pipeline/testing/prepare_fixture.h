// Fixture for tests of Prepare: five clips in two classes, made by the ffmpeg program, and checks
// of a folder of shards.
#ifndef DATA_PIPELINE_TESTING_PREPARE_FIXTURE_H_
#define DATA_PIPELINE_TESTING_PREPARE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/pipeline/prepare.h"

namespace slimreel {

class PrepareTest : public testing::Test {
 protected:
  // Makes in/left/{a,b,c}.mp4 and in/right/{a,b}.mp4: 25 frames of 96 x 64 each, all different.
  void SetUp() override;

  void MakeClip(const std::string& name, int frames = 25) const;
  // Makes a clip with other pixels, a moving fractal, under a path with its extension.
  void MakeOtherClip(const std::string& path, int frames = 25) const;
  // Writes keypoints beside the clip: two persons, 17 joints, in pixels of 96 x 64.
  void WriteKeypoints(const std::string& name, int64_t frames = 25, float first = 1.0f) const;

  // Prepares in/ into the folder `output` of the root: chunks of ten frames of 48 x 32, six in a
  // shard.
  PrepareOptions Options(const std::string& output) const;

  // Bytes of every shard, every index and dataset.json, by file name.
  std::map<std::string, std::string> Contents(const std::string& output) const;
  void ExpectSame(const std::string& a, const std::string& b) const;
  // Checks what must hold at any moment: all shards are whole, and they open if and only if
  // dataset.json lists them. Half-written files may exist only if a process `died`; the next
  // preparation removes them.
  void ExpectNothingHalfWritten(const std::string& output, bool died = false) const;
  std::vector<nlohmann::json> Report(const std::string& output) const;

  std::string root_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_TESTING_PREPARE_FIXTURE_H_
