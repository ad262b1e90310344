#include "data/shard/dataset_info.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(DatasetInfoTest, APartWithoutLabelsAgreesWithAnyClasses) {
  const std::string folder = TestFolder("info");
  DatasetInfo none, labelled;
  none.splits["train"] = {1, 2, 2, 30, 4096};
  labelled.classes = {"left", "right"};
  labelled.splits["train"] = {1, 1, 1, 7, 512};
  for (const bool labelled_first : {false, true}) {
    ASSERT_TRUE(WriteDatasetInfo(folder, labelled_first ? labelled : none, 1, 2).ok());
    ASSERT_TRUE(WriteDatasetInfo(folder, labelled_first ? none : labelled, 2, 2).ok());
    const auto joined = ReadDatasetInfo(folder);
    ASSERT_TRUE(joined.ok()) << joined.status();
    EXPECT_EQ(joined->classes, labelled.classes);
    EXPECT_EQ(joined->splits.at("train"), (SplitCounts{2, 3, 3, 37, 4608}));
  }
}

TEST(DatasetInfoTest, RoundTripsAndPartsAreSummed) {
  const std::string folder = TestFolder("info");
  DatasetInfo info;
  info.classes = {"left", "right"};
  info.splits["train"] = {1, 2, 2, 30, 4096};
  info.libav_versions["libavcodec"] = "59.37.100";
  info.fingerprint = "abc";
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 1, 2).ok());
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 2).ok());
  const auto joined = ReadDatasetInfo(folder);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->classes, info.classes);
  EXPECT_EQ(joined->splits.at("train"), (SplitCounts{2, 4, 4, 60, 8192}));
  info.classes = {"other"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 2).ok());
  EXPECT_TRUE(absl::IsDataLoss(ReadDatasetInfo(folder).status()));
}

TEST(DatasetInfoTest, UnfinishedSplitsAndNamesThatAreNotUtf8RoundTrip) {
  const std::string folder = TestFolder("info");
  DatasetInfo info;
  info.classes = {"caf\xe9", "caf\xc3\xa9",
                  "caf\xef\xbf\xbd"};  // three distinct names, which stay distinct
  info.splits["train"] = {1, 2, 2, 30, 4096, 1};
  info.unfinished = {"val"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info).ok());
  const auto json = nlohmann::json::parse(ReadTestFile(folder + "/dataset.json"));
  EXPECT_EQ(json["format_version"], 2);
  EXPECT_EQ(json["unfinished"], nlohmann::json({"val"}));
  const auto read = ReadDatasetInfo(folder);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->format_version, 2);
  EXPECT_EQ(read->classes, info.classes);
  EXPECT_EQ(read->splits, info.splits);
  EXPECT_EQ(read->unfinished, info.unfinished);
}

TEST(DatasetInfoTest, Version1IsReadAndHasNoUnfinishedSplits) {
  const std::string folder = TestFolder("info");
  WriteTestFile(folder + "/dataset.json",
                R"({"format_version": 1, "task": "classify", "classes": ["left"], "splits":
                    {"train": {"shards": 1, "samples": 2, "videos": 2, "frames": 9, "bytes": 5}}})");
  const auto read = ReadDatasetInfo(folder);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->format_version, 1);
  EXPECT_EQ(read->splits.at("train"), (SplitCounts{1, 2, 2, 9, 5, 0}));
  EXPECT_TRUE(read->unfinished.empty());
}

TEST(DatasetInfoTest, ASplitThatSomePartsDoNotListIsUnfinished) {
  const std::string folder = TestFolder("info");
  DatasetInfo info;
  info.splits = {{"train", {1, 2, 2, 30, 4096}}, {"val", {1, 1, 1, 7, 512}}};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 1, 3).ok());
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 3).ok());
  EXPECT_EQ(ReadDatasetInfo(folder)->unfinished, (std::set<std::string>{"train", "val"}));
  info.splits.erase("val");
  info.unfinished = {"val"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 3, 3).ok());
  const auto whole = ReadDatasetInfo(folder);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->splits,
            (std::map<std::string, SplitCounts>{{"train", {3, 6, 6, 90, 3 * 4096}}}));
  EXPECT_EQ(whole->unfinished, std::set<std::string>{"val"});
}

TEST(DatasetInfoTest, PartsWithDifferentClassesAreRefusedWithTheirNames) {
  const std::string folder = TestFolder("info");
  DatasetInfo info;
  info.classes = {"down", "left"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 1, 2).ok());
  info.classes = {"left", "up"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 2).ok());
  absl::Status status = ReadDatasetInfo(folder).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("up only here; down only there"), absl::string_view::npos)
      << status;
  info.classes = {"left", "down"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 2).ok());
  status = ReadDatasetInfo(folder).status();
  EXPECT_NE(status.message().find("another order"), absl::string_view::npos) << status;
}

TEST(DatasetInfoTest, WrongFilesAreNamed) {
  const std::string folder = TestFolder("wrong_info");
  for (const char* text :
       {"", "[]", "{}", "{\"format_version\":\"1\"}", "{\"format_version\":1,\"task\":2}",
        "{\"format_version\":2,\"task\":\"\",\"classes\":[],\"splits\":{},\"unfinished\":[1]}"}) {
    WriteTestFile(folder + "/dataset.json", text);
    const auto info = ReadDatasetInfo(folder);
    EXPECT_TRUE(absl::IsDataLoss(info.status())) << text;
    EXPECT_NE(info.status().message().find("dataset.json"), absl::string_view::npos);
  }
  WriteTestFile(folder + "/dataset.json", "{\"format_version\":99}");
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadDatasetInfo(folder).status()));
}

}  // namespace
}  // namespace slimreel
