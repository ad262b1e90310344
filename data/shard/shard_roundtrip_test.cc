#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/test_files.h"
#include "data/shard/shard_reader.h"
#include "data/shard/shard_writer.h"
#include "data/shard/testing/sample_shards.h"

namespace slimreel {
namespace {

constexpr int64_t kShardBytes = 8192;  // two or three test samples

std::vector<std::string> FileNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::unique_ptr<ShardDataset> OpenOrDie(const std::string& folder, const std::string& split) {
  auto dataset = ShardDataset::Open(folder, split);
  EXPECT_TRUE(dataset.ok()) << dataset.status();
  return dataset.ok() ? *std::move(dataset) : nullptr;
}

TEST(ShardContentIdTest, IsAHashOfTheContentOrWithoutAnIndexOfTheNames) {
  const std::string folder = TestFolder("ids"), copy = TestFolder("ids_copy");
  ASSERT_TRUE(WriteTestShards(folder, 6, kShardBytes).ok());
  ASSERT_TRUE(WriteTestShards(copy, 6, 1 << 20, "val").ok());  // other shards and another split
  const auto a = OpenOrDie(folder, "train"), b = OpenOrDie(copy, "val");
  std::set<uint64_t> ids;
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(a->ContentId(i), b->ContentId(i));
    ids.insert(a->ContentId(i));
  }
  EXPECT_EQ(ids.size(), 6u);
  for (const std::string& name : FileNames(copy)) {
    if (name.ends_with(".idx")) std::filesystem::remove(copy + "/" + name);
  }
  const auto rebuilt = OpenOrDie(copy, "val");
  for (int64_t i = 0; i < 6; ++i) ids.insert(rebuilt->ContentId(i));
  EXPECT_EQ(ids.size(), 12u);
  // Without an origin, the ID comes from the tar and is the same with and without an index.
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(a->SourceId(i), rebuilt->SourceId(i));
}

// A split of one sample, whose pixels are `value`.
std::unique_ptr<ShardDataset> OneSample(const std::string& name, uint8_t value,
                                        const SampleOrigin& origin) {
  const std::string folder = TestFolder(name);
  const std::vector<uint8_t> pixels(2 * 8 * 8 * 3, value);
  Sample sample;
  sample.key = "clip";
  sample.source = "video.mp4";
  sample.height = sample.width = 8;
  sample.frames = {{pixels.data(), 2}};
  sample.origin = origin;
  auto writer = *ShardWriter::Create({.folder = folder, .split = "train"});
  EXPECT_TRUE(writer->Add(sample).ok() && writer->Flush().ok());
  return OpenOrDie(folder, "train");
}

TEST(ShardSourceIdTest, DependsOnlyOnTheVideoFile) {
  SampleOrigin origin;
  origin.known = true;
  origin.video = {.size_bytes = 1000, .mtime_ns = 5, .digest = 77};
  origin.recipe = 1;
  const auto a = OneSample("a", 1, origin);
  origin.video.mtime_ns = 6;  // copied, prepared again, another chunk
  origin.recipe = 2;
  origin.chunk = 3;
  const auto b = OneSample("b", 2, origin);
  EXPECT_EQ(a->SourceId(0), b->SourceId(0));
  EXPECT_NE(a->ContentId(0), b->ContentId(0));
  const std::filesystem::path tar = b->shards()[0];
  ASSERT_TRUE(std::filesystem::remove(std::filesystem::path(tar).replace_extension("idx")));
  EXPECT_EQ(OpenOrDie(tar.parent_path().string(), "train")->SourceId(0), a->SourceId(0));
}

TEST(ShardSourceIdTest, DiffersForDifferentVideosOfTheSameName) {
  SampleOrigin origin;
  const auto a = OneSample("a", 1, origin), b = OneSample("b", 2, origin);
  EXPECT_NE(a->SourceId(0), b->SourceId(0)) << "neither says what video it is of";
  origin.known = true;
  origin.video = {.size_bytes = 1000, .mtime_ns = 5, .digest = 77};
  const auto c = OneSample("c", 1, origin);
  origin.video.digest = 78;
  EXPECT_NE(c->SourceId(0), OneSample("d", 1, origin)->SourceId(0));
}

void ExpectSamples(const ShardDataset& dataset, int64_t count) {
  ASSERT_EQ(dataset.num_samples(), count);
  for (int64_t i = count - 1; i >= 0; --i) {  // any order
    const TestSample expected(i);
    const SampleInfo info = dataset.sample(i);
    EXPECT_EQ(info.key, expected.sample.key);
    EXPECT_EQ(info.label, expected.sample.label);
    EXPECT_EQ(dataset.videos()[static_cast<size_t>(info.video)], expected.sample.source);
    const auto frames = dataset.Frames(i);
    ASSERT_TRUE(frames.ok()) << frames.status();
    EXPECT_EQ(frames->num_frames, info.num_frames);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frames->data) % 64, 0u);
    ASSERT_EQ(frames->bytes(), static_cast<int64_t>(expected.pixels.size()));
    EXPECT_TRUE(std::equal(expected.pixels.begin(), expected.pixels.end(), frames->data));
    EXPECT_EQ(dataset.Member(i, MemberKind::kKeypoints).ok(), i % 2 == 0);
    if (i % 2 == 0) {
      EXPECT_EQ(*dataset.Member(i, MemberKind::kKeypoints), expected.keypoints);
    }
    const auto metadata = dataset.Metadata(i);
    ASSERT_TRUE(metadata.ok()) << metadata.status();
    EXPECT_EQ((*metadata)["pts_us"][1], 40000);
    EXPECT_TRUE(dataset.Verify(i).ok()) << dataset.Verify(i);
  }
}

TEST(ShardRoundTripTest, SamplesAreReadByNumberOverSeveralShards) {
  const std::string folder = TestFolder("roundtrip");
  ASSERT_TRUE(WriteTestShards(folder, 9, kShardBytes).ok());
  const auto dataset = OpenOrDie(folder, "train");
  EXPECT_GT(dataset->shards().size(), 2u);
  EXPECT_EQ(dataset->videos().size(), 5u);  // chunks of one video share it, over shards too
  ExpectSamples(*dataset, 9);
}

TEST(ShardRoundTripTest, ShardsStayBelowTheirSize) {
  const std::string folder = TestFolder("sizes");
  ASSERT_TRUE(WriteTestShards(folder, 9, kShardBytes).ok());
  const auto dataset = OpenOrDie(folder, "train");
  for (const std::string& path : dataset->shards()) {
    EXPECT_LE(std::filesystem::file_size(path), static_cast<uintmax_t>(kShardBytes));
  }
}

TEST(ShardRoundTripTest, BytesAreAFunctionOfTheSamples) {
  const std::string first = TestFolder("bytes_a"), second = TestFolder("bytes_b");
  ASSERT_TRUE(WriteTestShards(first, 5, kShardBytes).ok());
  ASSERT_TRUE(WriteTestShards(second, 5, kShardBytes).ok());
  ASSERT_EQ(FileNames(first), FileNames(second));
  for (const std::string& name : FileNames(first)) {
    EXPECT_EQ(ReadTestFile(first + "/" + name), ReadTestFile(second + "/" + name)) << name;
  }
}

TEST(ShardRoundTripTest, AMissingIndexIsRebuiltFromTheTar) {
  const std::string folder = TestFolder("rebuild");
  ASSERT_TRUE(WriteTestShards(folder, 6, kShardBytes).ok());
  for (const std::string& name : FileNames(folder)) {
    if (name.ends_with(".idx")) std::filesystem::remove(folder + "/" + name);
  }
  ExpectSamples(*OpenOrDie(folder, "train"), 6);
}

TEST(ShardRoundTripTest, ADestroyedWriterLeavesOnlyCompleteShards) {
  const std::string folder = TestFolder("dies");
  ShardWriterOptions options;
  options.folder = folder;
  {
    auto writer = ShardWriter::Create(options);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Add(TestSample(0).sample).ok());
    ASSERT_TRUE((*writer)->Flush().ok());
    ASSERT_TRUE((*writer)->Add(TestSample(1).sample).ok());
  }
  EXPECT_EQ(FileNames(folder), (std::vector<std::string>{"train-000000.idx", "train-000000.tar"}));
}

TEST(ShardRoundTripTest, TheOnlySplitIsOpenedAndOfSeveralTheNamesAreListed) {
  const std::string folder = TestFolder("splits");
  ASSERT_TRUE(WriteTestShards(folder, 2, kShardBytes, "val").ok());
  EXPECT_EQ(OpenOrDie(folder, "train")->split(), "val");
  ASSERT_TRUE(WriteTestShards(folder, 4, kShardBytes, "train").ok());
  EXPECT_EQ(OpenOrDie(folder, "train")->num_samples(), 4);
  const auto missing = ShardDataset::Open(folder, "test");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_NE(missing.status().message().find("train, val"), absl::string_view::npos);
}

TEST(ShardRoundTripTest, PartsAreNamedAndReadTogether) {
  const std::string folder = TestFolder("parts");
  ShardWriterOptions options;
  options.folder = folder;
  options.num_parts = 16;
  for (const int part : {3, 12}) {
    options.part = part;
    auto writer = ShardWriter::Create(options);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Add(TestSample(part).sample).ok());
    ASSERT_TRUE((*writer)->Flush().ok());
  }
  EXPECT_EQ(FileNames(folder)[1], "train-p03of16-000000.tar");
  const auto dataset = OpenOrDie(folder, "train");
  EXPECT_EQ(dataset->num_samples(), 2);
  EXPECT_EQ(dataset->split(), "train");
}

TEST(ShardRoundTripTest, BadSamplesAreRefusedAndTheWriterGoesOn) {
  ShardWriterOptions options;
  options.folder = TestFolder("bad");
  auto writer = ShardWriter::Create(options);
  ASSERT_TRUE(writer.ok());
  for (const char* key : {"", "a.b", "../a", "/a", "a/", "a\nb"}) {
    TestSample test(1);
    test.sample.key = key;
    EXPECT_TRUE(absl::IsInvalidArgument((*writer)->Add(test.sample))) << key;
  }
  const TestSample good(1);
  ASSERT_TRUE((*writer)->Add(good.sample).ok());
  EXPECT_TRUE(absl::IsInvalidArgument((*writer)->Add(good.sample)));  // the key was used
  EXPECT_TRUE((*writer)->Flush().ok());
}

TEST(ShardRoundTripTest, LongNamesUseAPaxHeader) {
  ShardWriterOptions options;
  options.folder = TestFolder("long_names");
  auto writer = ShardWriter::Create(options);
  ASSERT_TRUE(writer.ok());
  TestSample test(0);
  test.sample.key = std::string(180, 'k') + "/" + std::string(120, 'n');
  ASSERT_TRUE((*writer)->Add(test.sample).ok());
  ASSERT_TRUE((*writer)->Flush().ok());
  for (const bool with_index : {true, false}) {
    if (!with_index) std::filesystem::remove(options.folder + "/train-000000.idx");
    const auto dataset = OpenOrDie(options.folder, "train");
    EXPECT_EQ(dataset->sample(0).key, test.sample.key);
    EXPECT_TRUE(dataset->Frames(0).ok());
  }
}

TEST(ShardRoundTripTest, VerifyDetectsAFlippedBitInAnyMember) {
  const std::string folder = TestFolder("flipped");
  ASSERT_TRUE(WriteTestShards(folder, 1, kShardBytes).ok());
  const std::string path = folder + "/train-000000.tar";
  const std::string whole = ReadTestFile(path);
  std::vector<std::pair<uint64_t, uint64_t>> ranges;  // offset, length
  {
    const auto dataset = OpenOrDie(folder, "train");
    const auto members = dataset->Members(0);
    ASSERT_TRUE(members.ok()) << members.status();
    for (const MemberInfo& member : *members) {
      ranges.emplace_back(member.offset, member.content.size());
    }
  }
  ASSERT_EQ(ranges.size(), 3u);
  for (const auto& [offset, length] : ranges) {
    for (uint64_t i = 0; i < length; i += 37) {
      std::string damaged = whole;
      damaged[offset + i] ^= 0x10;
      WriteTestFile(path, damaged);
      const absl::Status status = OpenOrDie(folder, "train")->Verify(0);
      EXPECT_TRUE(absl::IsDataLoss(status)) << status;
      EXPECT_NE(status.message().find(path), absl::string_view::npos);
    }
  }
}

}  // namespace
}  // namespace slimreel
