// Makes small shards with known content for tests.
#ifndef DATA_SHARD_TESTING_SAMPLE_SHARDS_H_
#define DATA_SHARD_TESTING_SAMPLE_SHARDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/shard/dataset_info.h"
#include "data/shard/shard_writer.h"

namespace slimreel {

inline constexpr int64_t kTestHeight = 6, kTestWidth = 10, kTestFrames = 4;

// Byte i of the frames of sample n. It is a formula, so that any reader can check it.
inline uint8_t TestPixel(int64_t sample, int64_t i) {
  return static_cast<uint8_t>((sample * 31 + i * 7 + i / 251) & 0xff);
}

// Sample n: key "clips/v<n/2>_<n>", source "v<n/2>.mp4", label n % 3 (-1 for every
// fifth), kTestFrames + n % 2 frames, keypoints for even n.
struct TestSample {
  explicit TestSample(int64_t number);
  std::vector<uint8_t> pixels;
  std::string keypoints;
  Sample sample;  // holds views into the members above
};

absl::Status WriteTestShards(const std::string& folder, int64_t num_samples,
                             int64_t shard_size_bytes, const std::string& split = "train");

// Writes what a preparation of part `part` leaves if its input is the videos `names`: a sample for
// each video of that part (TestSample(i) for the i-th name), the part's dataset file with
// `classes`, and the list of all names.
absl::Status WriteTestPart(const std::string& folder, int part, int num_parts,
                           const std::vector<std::string>& names,
                           const std::vector<std::string>& classes = {"a", "b", "c"});

// Counts all shards of the split in the folder.
SplitCounts CountTestShards(const std::string& folder, const std::string& split = "train");

}  // namespace slimreel

#endif  // DATA_SHARD_TESTING_SAMPLE_SHARDS_H_
