// Reads damaged shards. The reader must never crash: it returns a Status with the
// path, or samples whose bytes lie inside the file. SLIMREEL_FUZZ_ROUNDS=10000 sets
// the number of rounds.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include "base/test_files.h"
#include "data/shard/shard_reader.h"
#include "data/shard/tar.h"
#include "data/shard/testing/sample_shards.h"

namespace slimreel {
namespace {

int Rounds() {
  const char* rounds = std::getenv("SLIMREEL_FUZZ_ROUNDS");
  return rounds != nullptr ? std::atoi(rounds) : 400;
}

void PutHash(std::string* bytes, size_t at, std::string_view of) {
  const uint64_t hash = XXH3_64bits(of.data(), of.size());
  std::memcpy(bytes->data() + at, &hash, sizeof(hash));
}

// Corrects the hashes of a mutated index, so that the later checks are reached.
void MendIndex(std::string* index) {
  if (index->size() < 128) return;
  PutHash(index, 56, std::string_view(*index).substr(128));
  PutHash(index, 120, std::string_view(*index).substr(0, 120));
}

// The same for the checksum of a tar header (bytes 148..155, octal).
void MendTarHeader(std::string* tar, size_t block) {
  if (block + 512 > tar->size()) return;
  std::memset(tar->data() + block + 148, ' ', 8);
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += static_cast<uint8_t>((*tar)[block + i]);
  std::snprintf(tar->data() + block + 148, 7, "%06o", sum);
}

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}
  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }
  void Mutate(std::string* bytes) {
    if (bytes->empty()) return;
    if (Below(16) == 0) bytes->resize(Below(bytes->size()));
    for (size_t n = 1 + Below(4); n > 0 && !bytes->empty(); --n) {
      const size_t at = Below(bytes->size());
      switch (Below(4)) {
        case 0:
          (*bytes)[at] = static_cast<char>(random_());
          break;
        case 1:
          (*bytes)[at] ^= static_cast<char>(1 << Below(8));
          break;
        case 2:  // a large or negative number
          for (size_t i = at; i < std::min(at + 8, bytes->size()); ++i) (*bytes)[i] = '\xff';
          break;
        default:
          (*bytes)[at] = "0179 ,:(){}'\"\n"[Below(14)];
      }
    }
  }

 private:
  std::mt19937 random_;
};

void ReadAll(const std::string& folder, const std::string& stem) {
  const auto dataset = ShardDataset::Open(folder, "train");
  if (!dataset.ok()) {
    EXPECT_NE(dataset.status().message().find(stem), absl::string_view::npos) << dataset.status();
    return;
  }
  uint64_t sum = 0;
  const auto expect_path = [&](const absl::Status& status) {
    if (!status.ok()) {
      EXPECT_NE(status.message().find(stem), absl::string_view::npos) << status;
    }
  };
  for (int64_t i = 0; i < (*dataset)->num_samples(); ++i) {
    for (const char c : (*dataset)->sample(i).key) sum += static_cast<uint8_t>(c);
    if (const auto frames = (*dataset)->Frames(i); frames.ok()) {
      for (int64_t b = 0; b < frames->bytes(); ++b) sum += frames->data[b];
    } else {
      expect_path(frames.status());
    }
    expect_path((*dataset)->Metadata(i).status());
    expect_path((*dataset)->Members(i).status());
    expect_path((*dataset)->Verify(i));
    (*dataset)->WillNeed(i, 0, 100);
    (*dataset)->DontNeed(i);
  }
  EXPECT_NE(sum, ~uint64_t{0});  // the sum is used
}

TEST(ShardFuzzTest, MutatedShardsNeverCrashTheReader) {
  const std::string folder = TestFolder("fuzz");
  ASSERT_TRUE(WriteTestShards(folder, 3, 1 << 20).ok());
  const std::string stem = folder + "/train-000000";
  const std::string tar = ReadTestFile(stem + ".tar"), index = ReadTestFile(stem + ".idx");
  for (int round = 0; round < Rounds(); ++round) {
    SCOPED_TRACE(round);
    Mutator mutator(static_cast<uint32_t>(round));
    std::string bad_tar = tar, bad_index = index;
    const bool with_index = round % 3 != 0;
    if (round % 3 != 1) {
      mutator.Mutate(&bad_tar);
      for (size_t block = 0; round % 2 == 0 && block < bad_tar.size(); block += 512) {
        if (tar.substr(block + 257, 5) == "ustar") MendTarHeader(&bad_tar, block);
      }
    } else {
      mutator.Mutate(&bad_index);
      if (round % 2 == 0) MendIndex(&bad_index);
    }
    WriteTestFile(stem + ".tar", bad_tar);
    std::filesystem::remove(stem + ".idx");
    if (with_index) WriteTestFile(stem + ".idx", bad_index);
    ReadAll(folder, stem);
  }
}

}  // namespace
}  // namespace slimreel
