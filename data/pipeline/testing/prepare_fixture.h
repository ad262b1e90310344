// For tests of Prepare: five clips in two classes, made by the ffmpeg program, and
// what anybody may find in a folder of shards.
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
  // in/left/{a,b,c}.mp4, in/right/{a,b}.mp4: 25 frames of 96 x 64, all different.
  void SetUp() override;

  void MakeClip(const std::string& name, int frames = 25) const;
  // Other pixels under another extension: a gradient that moves.
  void MakeOtherClip(const std::string& path, int frames = 25) const;
  // Beside the clip, as a pose estimator leaves them: two persons in pixels of 96 x 64.
  void WriteKeypoints(const std::string& name, int64_t frames = 25, float first = 1.0f) const;

  // Of in/ into the folder `output` of the root: chunks of ten frames of 48 x 32, six a shard.
  PrepareOptions Options(const std::string& output) const;

  // Bytes of every shard, index and dataset.json, by name.
  std::map<std::string, std::string> Contents(const std::string& output) const;
  void ExpectSame(const std::string& a, const std::string& b) const;
  // What anybody may find in the folder at any moment: shards that are whole, and that open
  // where dataset.json lists them and only there. Only a process
  // that `died` may leave files aside, which the next run removes.
  void ExpectNothingHalfWritten(const std::string& output, bool died = false) const;
  std::vector<nlohmann::json> Report(const std::string& output) const;

  std::string root_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_TESTING_PREPARE_FIXTURE_H_
