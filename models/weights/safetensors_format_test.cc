#include "models/weights/safetensors_format.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <random>

namespace slimreel {
namespace {

// A file with this header text and a number of zero bytes of data.
std::string File(const std::string& text, size_t data_bytes) {
  std::string file(8, '\0');
  const uint64_t length = text.size();
  std::memcpy(file.data(), &length, 8);
  return file + text + std::string(data_bytes, '\0');
}

TEST(SafetensorsFormatTest, AFileOfTheReferenceImplementationIsRead) {
  // All 180 bytes as safetensors 0.8.0 made them: safetensors.numpy.save(
  // {"b": arange(6, float32).reshape(2, 3), "a": arange(4, uint8)}, {"step": "3"}).
  const char reference[] =
      "\x90\0\0\0\0\0\0\0"
      R"({"__metadata__":{"step":"3"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("a":{"dtype":"U8","shape":[4],"data_offsets":[24,28]}}     )"
      "\0\0\0\0\0\0\x80?\0\0\0@\0\0@@\0\0\x80@\0\0\xa0@\0\x01\x02\x03";
  const std::string file(reference, sizeof(reference) - 1);
  ASSERT_EQ(file.size(), 180u);
  const auto header = ParseSafetensors(file);
  ASSERT_TRUE(header.ok()) << header.status();
  ASSERT_EQ(header->entries.size(), 2u);
  EXPECT_EQ(header->entries[0].name, "b");
  EXPECT_EQ(header->entries[0].type, WeightType::kF32);
  EXPECT_EQ(header->entries[0].shape, (std::vector<int64_t>{2, 3}));
  float last = 0;
  std::memcpy(&last, file.data() + header->entries[0].offset + 20, sizeof(last));
  EXPECT_EQ(last, 5.0f);
  EXPECT_EQ(file.substr(header->entries[1].offset), std::string("\0\x01\x02\x03", 4));
  EXPECT_EQ(header->metadata.at("step"), "3");
}

TEST(SafetensorsFormatTest, MalformedFilesAreDataLoss) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::vector<std::pair<std::string, size_t>> bad = {
      {"", 0},
      {" {}", 0},  // '{' is not first
      {"[]", 0},
      {"{" + a, 8},                  // no JSON
      {"{" + a + "}", 7},            // cut off
      {"{" + a + "}", 9},            // bytes left over
      {"{" + a + "," + a + "}", 8},  // twice
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8},     // overlap
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16},  // hole
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12},  // hole at the start
      {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0},
      {R"({"__metadata__":{"k":1}})", 0},
      {R"({"__metadata__":[]})", 0},
  };
  for (const auto& [text, data_bytes] : bad) {
    EXPECT_TRUE(absl::IsDataLoss(ParseSafetensors(File(text, data_bytes)).status())) << text;
  }
  std::string longer = File("{}", 0);
  longer[0] = '\x7f';
  EXPECT_TRUE(absl::IsDataLoss(ParseSafetensors(longer).status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseSafetensors(std::string(8, '\xff') + "{}").status()));
}

// Each message says what is wrong and names the tensor, if there is one.
TEST(SafetensorsFormatTest, AbsurdSizesAreNamed) {
  const std::pair<std::string, const char*> absurd[] = {
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,0]}})",
       "'a': its shape holds something other than sizes"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,0]}})",
       "'a': its shape holds something other than sizes"},
      // 2^32 * 2^32 is 0, and 3037000500^2 * 4 is small, in 64 bits.
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       "'a': its bytes do not match"},
      {R"({"a":{"dtype":"F32","shape":[3037000500,3037000500],"data_offsets":[0,8]}})",
       "'a': its bytes do not match"},
      {R"({"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4611686018427387904]}})",
       "'a': ends past the file"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[18446744073709551608,18446744073709551616]}})",
       "'a': data_offsets are not two numbers"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[18446744073709551600,18446744073709551608]}})",
       "'a': a hole lies before it"},
      {R"({"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,16]}})",
       "'a': its bytes do not match"},
      {R"({"a":[[[[0]]]]})", "too many levels"},
  };
  for (const auto& [text, what] : absurd) {
    const absl::Status status = ParseSafetensors(File(text, 8)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << text << status;
    EXPECT_NE(status.message().find(what), std::string::npos) << text << status;
  }
}

// The parsed tree of 16 MB of brackets or zeros would take hundreds of MB.
TEST(SafetensorsFormatTest, AHeaderOfOnlyListsTakesNoMemory) {
  constexpr size_t kMany = size_t{16} << 20;
  std::string zeros;
  for (size_t i = 0; i < kMany / 2; ++i) zeros += "0,";
  const std::pair<std::string, const char*> floods[] = {
      {R"({"a":)" + std::string(kMany, '['), "too many levels"},
      {R"({"a":{"dtype":"F32","shape":[)" + zeros + "0]}}", "more than 64 elements"}};
  for (const auto& [text, what] : floods) {
    const std::string file = File(text, 0);
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const absl::Status status = ParseSafetensors(file).status();
    getrusage(RUSAGE_SELF, &after);
    EXPECT_NE(status.message().find(what), std::string::npos) << status;
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 8 * 1024);  // KiB
  }
}

TEST(SafetensorsFormatTest, LayOutIsDeterministicAlignedAndReadBack) {
  SafetensorsHeader header;
  header.entries = {{"u8", WeightType::kU8, {3}, 0, 0},
                    {"b", WeightType::kF32, {2, 2}, 0, 0},
                    {"a", WeightType::kF32, {}, 0, 0},
                    {"none", WeightType::kI64, {0, 5}, 0, 0}};
  header.metadata["step"] = "7";
  SafetensorsHeader shuffled = header;
  std::swap(shuffled.entries[0], shuffled.entries[2]);
  const auto head = LayOutSafetensors(&header);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(*head, *LayOutSafetensors(&shuffled));
  EXPECT_EQ(head->size() % 64, 0u);
  const auto parsed = ParseSafetensors(*head + std::string(16 + 4 + 3, 'x'));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->metadata, header.metadata);
  for (const WeightEntry& entry : parsed->entries) {
    EXPECT_EQ(entry.offset % static_cast<uint64_t>(WeightTypeBytes(entry.type)), 0u);
  }
  header.entries.push_back(header.entries[0]);
  EXPECT_TRUE(absl::IsInvalidArgument(LayOutSafetensors(&header).status()));
}

TEST(SafetensorsFormatTest, MutatedFilesNeverGiveEntriesPastTheFile) {
  SafetensorsHeader header;
  header.entries = {{"weight", WeightType::kF32, {4, 4}, 0, 0}, {"n", WeightType::kI64, {2}, 0, 0}};
  const std::string good = *LayOutSafetensors(&header) + std::string(80, '\0');
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string file = good;
    if (round % 5 == 0) file.resize(random() % file.size());
    for (int n = 0; n < 1 + round % 3 && !file.empty(); ++n) {
      file[random() % std::min<size_t>(file.size(), 200)] = "0159{}[]\",:\xff\x80 -"[random() % 15];
    }
    const auto parsed = ParseSafetensors(file);
    if (!parsed.ok()) continue;
    for (const WeightEntry& entry : parsed->entries) {
      ASSERT_LE(entry.offset, file.size());
      ASSERT_LE(entry.bytes, file.size() - entry.offset);
    }
  }
}

}  // namespace
}  // namespace slimreel
