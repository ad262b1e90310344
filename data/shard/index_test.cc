#include "data/shard/index.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>
#include <string>
#include <utility>

namespace slimreel {
namespace {

constexpr uint64_t kTarBytes = 4096;

template <typename T>
void Put(std::string* bytes, size_t at, T value) {
  std::memcpy(bytes->data() + at, &value, sizeof(value));
}

// Writes the two hashes of SHARD_FORMAT.md.
std::string Hashed(std::string file) {
  Put<uint64_t>(&file, 56, XXH3_64bits(file.data() + 128, file.size() - 128));
  Put<uint64_t>(&file, 120, XXH3_64bits(file.data(), 120));
  return file;
}

// Offset of the member's record.
size_t MemberAt(uint32_t version) { return version == 1 ? 192 : 256; }

// Writes bytes 64 to 127 of a sample record of version 2.
void PutOrigin(std::string* file, size_t sample) {
  Put<uint32_t>(file, sample + 60, 3);  // flags: origin known, last chunk
  for (const auto& [at, value] :
       {std::pair<size_t, int64_t>{64, 1000}, {72, -5}, {88, 200}, {96, 7}}) {
    Put<int64_t>(file, sample + at, value);
  }
  Put<uint64_t>(file, sample + 80, 0xfedcba9876543210);
  Put<uint64_t>(file, sample + 104, 0x11);
  Put<uint64_t>(file, sample + 112, 0x8000000000000001);
  Put<uint32_t>(file, sample + 120, 4);
  Put<uint32_t>(file, sample + 124, 6);
}

SampleOrigin ExampleOrigin() {
  return {true, {1000, -5, 0xfedcba9876543210}, {200, 7, 0x11}, 0x8000000000000001, 4, true, 6};
}

// One sample "k" of source "s" with one member "abc" at byte 512, as
// SHARD_FORMAT.md lays it out.
std::string HandIndex(uint32_t version = 2) {
  const size_t sample = 128, member = MemberAt(version);
  std::string file(member + 64, '\0');
  file += "sk";
  file.replace(0, 8, "SLIMRIDX");
  Put<uint32_t>(&file, 8, version);
  Put<uint32_t>(&file, 12, 128);
  Put<uint32_t>(&file, 16, static_cast<uint32_t>(member - sample));
  Put<uint32_t>(&file, 20, 64);
  Put<uint64_t>(&file, 24, 1);
  Put<uint64_t>(&file, 32, 1);
  Put<uint64_t>(&file, 40, 2);
  Put<uint64_t>(&file, 48, kTarBytes);
  Put<int64_t>(&file, sample + 8, 5);
  Put<uint32_t>(&file, sample + 16, 1);
  Put<uint32_t>(&file, sample + 20, 16);
  Put<uint32_t>(&file, sample + 24, 6);
  Put<uint32_t>(&file, sample + 28, 10);
  Put<uint64_t>(&file, sample + 32, 1);
  Put<uint64_t>(&file, sample + 40, 0);
  Put<uint32_t>(&file, sample + 48, 1);
  Put<uint32_t>(&file, sample + 52, 1);
  if (version > 1) PutOrigin(&file, sample);
  Put<uint64_t>(&file, member, 512);
  Put<uint64_t>(&file, member + 8, 3);
  const XXH128_hash_t hash = XXH3_128bits("abc", 3);
  Put<uint64_t>(&file, member + 16, hash.low64);
  Put<uint64_t>(&file, member + 24, hash.high64);
  Put<uint16_t>(&file, member + 40, 2);
  Put<uint16_t>(&file, member + 42, 1);
  Put<uint32_t>(&file, member + 44, 9);
  return Hashed(file);
}

TEST(IndexTest, BuilderWritesTheBytesOfTheSpecification) {
  IndexBuilder builder;
  IndexSample sample;
  sample.key = "k";
  sample.source = "s";
  sample.label = 5;
  sample.num_frames = 16;
  sample.height = 6;
  sample.width = 10;
  sample.origin = ExampleOrigin();
  builder.AddSample(sample);
  builder.AddMember({MemberKind::kFrames, 9, 512, 3, true, HashContent("abc")});
  EXPECT_EQ(builder.Build(kTarBytes), HandIndex());
}

TEST(IndexTest, HandWrittenIndexesOfBothVersionsAreRead) {
  for (const uint32_t version : {1, 2}) {
    SCOPED_TRACE(version);
    const std::string file = HandIndex(version);
    const auto view = IndexView::Parse(file, kTarBytes);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->num_samples(), 1);
    EXPECT_EQ(view->num_sources(), 1);
    EXPECT_EQ(view->sample(0).key, "k");
    EXPECT_EQ(view->sample(0).source, "s");
    EXPECT_EQ(view->sample(0).label, 5);
    EXPECT_EQ(view->sample(0).num_frames, 16u);
    EXPECT_EQ(view->sample(0).origin, version == 1 ? SampleOrigin() : ExampleOrigin());
    EXPECT_EQ(view->member(0).kind, MemberKind::kFrames);
    EXPECT_EQ(view->member(0).ordinal, 9u);
    EXPECT_EQ(view->member(0).hash, HashContent("abc"));
  }
}

TEST(IndexTest, AnUnknownOriginIsNotStored) {
  IndexBuilder builder;
  IndexSample sample;
  sample.key = sample.source = "k";
  sample.origin = ExampleOrigin();
  sample.origin.known = false;
  builder.AddSample(sample);
  const std::string file = builder.Build(kTarBytes);
  const auto view = IndexView::Parse(file, kTarBytes);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->sample(0).origin, SampleOrigin());
}

TEST(IndexTest, OfWiderRecordsOnlyTheFirstFieldsAreRead) {
  for (const uint32_t version : {1, 2}) {
    SCOPED_TRACE(version);
    std::string file = HandIndex(version);
    const auto record = static_cast<uint32_t>(MemberAt(version) - 128);
    file.insert(MemberAt(version) + 64, std::string(16, 'm'));
    file.insert(MemberAt(version), std::string(8, 's'));
    file.insert(128, std::string(64, 'h'));
    Put<uint32_t>(&file, 12, 192);
    Put<uint32_t>(&file, 16, record + 8);
    Put<uint32_t>(&file, 20, 80);
    Put<uint64_t>(&file, 56, XXH3_64bits(file.data() + 192, file.size() - 192));
    Put<uint64_t>(&file, 120, XXH3_64bits(file.data(), 120));
    const auto view = IndexView::Parse(file, kTarBytes);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->sample(0).key, "k");
    EXPECT_EQ(view->sample(0).origin, version == 1 ? SampleOrigin() : ExampleOrigin());
    EXPECT_EQ(view->member(0).ordinal, 9u);
  }
}

TEST(IndexTest, RecordsOfVersion1UnderTheNumber2AreDamage) {
  std::string file = HandIndex(1);
  Put<uint32_t>(&file, 8, 2);
  EXPECT_TRUE(absl::IsDataLoss(IndexView::Parse(Hashed(file), kTarBytes).status()));
}

TEST(IndexTest, ANewerVersionAsksForANewerProgram) {
  std::string file = HandIndex();
  Put<uint32_t>(&file, 8, 3);
  const absl::Status status = IndexView::Parse(Hashed(file), kTarBytes).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("index format 3"), absl::string_view::npos) << status;
}

TEST(IndexTest, AHashDetectsEveryChangedByte) {
  const std::string good = HandIndex();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string file = good;
    file[i] ^= 0x10;
    EXPECT_FALSE(IndexView::Parse(file, kTarBytes).ok()) << i;
  }
}

TEST(IndexTest, FieldsThatPointOutsideAreRefusedEvenIfTheHashesMatch) {
  struct Change {
    size_t at;
    uint64_t value;
  };
  for (const Change& change :
       {Change{24, ~uint64_t{0}}, Change{24, uint64_t{1} << 58}, Change{32, uint64_t{1} << 58},
        Change{40, 3}, Change{48, 4097}, Change{128, 1},  // first member
        Change{128 + 8, ~uint64_t{0} - 1},                // label -2
        Change{128 + 32, 2},                              // key past the strings
        Change{128 + 40, ~uint64_t{0}},                   // source
        Change{256, 0},                                   // content before any header
        Change{256, 513},                                 // not at a block
        Change{256, 4608},                                // past the tar
        Change{256 + 8, 4096},                            // ends past the tar
        Change{256 + 8, ~uint64_t{0}}}) {                 // wraps
    std::string file = HandIndex();
    Put<uint64_t>(&file, change.at, change.value);
    EXPECT_TRUE(absl::IsDataLoss(IndexView::Parse(Hashed(file), kTarBytes).status()))
        << change.at << " = " << change.value;
  }
  const std::string file = HandIndex();
  EXPECT_TRUE(absl::IsDataLoss(IndexView::Parse(file, kTarBytes + 512).status()));
}

}  // namespace
}  // namespace slimreel
