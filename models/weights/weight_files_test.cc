#include "models/weights/weight_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "base/test_files.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

// A file of one-element float32 tensors, written only from the description of the format.
std::string Shard(const std::vector<std::string>& names) {
  std::string text = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    text += (i > 0 ? ",\"" : "\"") + names[i] + R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" +
            std::to_string(4 * i) + "," + std::to_string(4 * i + 4) + "]}";
  }
  text += "}";
  std::string head(8, '\0');
  const uint64_t length = text.size();
  std::memcpy(head.data(), &length, sizeof(length));
  std::string data;
  for (size_t i = 0; i < names.size(); ++i) {
    const float value = static_cast<float>(i) + 0.5f;
    data.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return head + text + data;
}

constexpr char kIndexName[] = "/model.safetensors.index.json";
constexpr char kIndex[] = R"({"metadata": {"total_size": 12}, "weight_map": {
    "a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors"}})";

// The set {a, b | c} in its own folder.
std::string ShardedSet(const std::string& name) {
  const std::string folder = TestFolder(name);
  WriteTestFile(folder + kIndexName, kIndex);
  WriteTestFile(folder + "/model-00001-of-00002.safetensors", Shard({"a", "b"}));
  WriteTestFile(folder + "/model-00002-of-00002.safetensors", Shard({"c"}));
  return folder;
}

float ValueOf(const WeightFiles& files, const std::string& name) {
  for (size_t i = 0; i < files.entries().size(); ++i) {
    if (files.entries()[i].name != name) continue;
    float value = 0;
    std::memcpy(&value, files.file_of(i).bytes().data() + files.entries()[i].offset, sizeof(value));
    return value;
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(WeightFilesTest, AFileAFolderAndAnIndexGiveTheTensorsOfAllShards) {
  const std::string folder = ShardedSet("set");
  for (const std::string& path : {folder, folder + kIndexName}) {
    const auto files = WeightFiles::Open(path);
    ASSERT_TRUE(files.ok()) << files.status();
    ASSERT_EQ(files->entries().size(), 3u);
    EXPECT_EQ(ValueOf(*files, "a"), 0.5f);
    EXPECT_EQ(ValueOf(*files, "b"), 1.5f);
    EXPECT_EQ(ValueOf(*files, "c"), 0.5f);
  }
  const auto single = WeightFiles::Open(folder + "/model-00001-of-00002.safetensors");
  ASSERT_TRUE(single.ok());
  EXPECT_EQ(single->entries().size(), 2u);
}

TEST(WeightFilesTest, AFolderWithoutIndexGivesItsModelFile) {
  const std::string folder = TestFolder("folder");
  EXPECT_TRUE(absl::IsNotFound(WeightFiles::Open(folder).status()));
  WriteTestFile(folder + "/model.safetensors", Shard({"a"}));
  const auto files = WeightFiles::Open(folder);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->entries().size(), 1u);
}

TEST(WeightFilesTest, AllMissingShardsAreNamed) {
  const std::string folder = TestFolder("set");
  WriteTestFile(folder + kIndexName, kIndex);
  const absl::Status status = WeightFiles::Open(folder).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("model-00001-of-00002.safetensors, "
                                                       "model-00002-of-00002.safetensors"));
}

TEST(WeightFilesTest, AMalformedIndexIsDataLossWithItsPath) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"weight_map": []})", R"({"weight_map": {"a": 3}})",
        R"({"weight_map": {"a": ""}})", R"({"weight_map": {"a": "../model.safetensors"}})"}) {
    const std::string folder = ShardedSet("set");
    WriteTestFile(folder + kIndexName, text);
    const absl::Status status = WeightFiles::Open(folder).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << text << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("index.json")) << text;
  }
}

TEST(WeightFilesTest, IndexAndShardsMustAgreeOnEveryTensor) {
  const std::string shard = "/model-00002-of-00002.safetensors";
  for (const std::vector<std::string>& held :
       std::vector<std::vector<std::string>>{{}, {"d"}, {"c", "d"}, {"b"}}) {
    const std::string folder = ShardedSet("set");
    WriteTestFile(folder + shard, Shard(held));
    EXPECT_TRUE(absl::IsDataLoss(WeightFiles::Open(folder).status())) << held.size();
  }
  const std::string folder = ShardedSet("set");
  WriteTestFile(folder + shard, Shard({"c"}).substr(0, 40));
  const absl::Status status = WeightFiles::Open(folder).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(shard));
}

TEST(WeightFilesTest, TheErrorForAPickleNamesTheConverter) {
  for (const std::string& start :
       {std::string("PK\x03\x04zip"), std::string("\x80\x02}q"), std::string("\x80\x04\x95")}) {
    const std::string path = TestFolder("pickle") + "/model.pth";
    WriteTestFile(path, start);
    const absl::Status status = WeightFiles::Open(path).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("tools/weights_to_safetensors.py " + path));
  }
}

TEST(WeightFilesTest, PlaceholdersOfFilesThatWereNeverFetchedAreDescribed) {
  const std::string path = TestFolder("unfetched") + "/model.safetensors";
  for (const auto& [content, what] :
       {std::pair<std::string, std::string>("version https://git-lfs.github.com/spec/v1\noid sha",
                                            "git lfs pull"),
        std::pair<std::string, std::string>("<!DOCTYPE html><html>Sign in", "a web page")}) {
    WriteTestFile(path, content);
    const absl::Status status = WeightFiles::Open(path).status();
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }
}

// The first eight bytes are the header's length: 60, which is '<', and 0x0280.
TEST(WeightFilesTest, AHeadersLengthIsNotMistakenForAnotherFormat) {
  const std::string path = TestFolder("lengths") + "/model.safetensors";
  for (const size_t length : {size_t{60}, size_t{0x0280}}) {
    std::string text = R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
    text.resize(length, ' ');
    std::string head(8, '\0');
    head[0] = static_cast<char>(length & 0xff);
    head[1] = static_cast<char>(length >> 8);
    WriteTestFile(path, head + text);
    EXPECT_TRUE(WeightFiles::Open(path).ok()) << length;
  }
}

TEST(WeightFilesTest, TheErrorForPicklesInShardsNamesTheirIndex) {
  const std::string folder = TestFolder("pickles");
  const std::string index = folder + "/pytorch_model.bin.index.json";
  WriteTestFile(folder + "/1.bin", "PK\x03\x04zip");
  WriteTestFile(index, R"({"weight_map": {"a": "1.bin"}})");
  EXPECT_THAT(std::string(WeightFiles::Open(index).status().message()),
              HasSubstr("tools/weights_to_safetensors.py " + index));
}

}  // namespace
}  // namespace slimreel
