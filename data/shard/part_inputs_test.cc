#include "data/shard/part_inputs.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

using Names = std::vector<std::string>;

Names Videos(int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back("left/" + std::to_string(i) + ".mp4");
  return names;
}

class PartInputsTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = TestFolder("parts"); }

  void Write(int part, const Names& names, int num_parts = 2) const {
    std::vector<PartInput> inputs;
    for (const std::string& name : names) inputs.push_back({name});
    WriteInputs(part, inputs, num_parts);
  }
  void WriteInputs(int part, const std::vector<PartInput>& inputs, int num_parts = 2) const {
    const absl::Status status = WritePartInputs(folder_, "train", part, num_parts, inputs).status();
    EXPECT_TRUE(status.ok()) << status;
  }
  absl::Status Check(int num_parts = 2) const {
    return CheckPartInputs(folder_, "train", num_parts);
  }
  void ExpectRefused(const std::string& words) const {
    const absl::Status status = Check();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
  }

  std::string folder_;
};

TEST_F(PartInputsTest, APartFollowsFromTheNameAsTheFormatSpecifies) {
  for (const std::string& name : Videos(100)) {
    const uint64_t hash = XXH3_64bits(name.data(), name.size());
    for (const int num_parts : {1, 3, 16}) {
      EXPECT_EQ(PartOf(name, num_parts), static_cast<int>(hash % num_parts) + 1) << name;
    }
  }
  EXPECT_EQ(PartOf("", 3),
            1 + static_cast<int>(uint64_t{0x2d06800538d394c2} % 3));  // the empty name
}

TEST_F(PartInputsTest, EachSplitAndPartHasItsOwnFile) {
  EXPECT_EQ(PartInputsFileName("train", 3, 16), "prepare_inputs-p03of16.jsonl");
  EXPECT_EQ(PartInputsFileName("val", 3, 16), "prepare_inputs-val-p03of16.jsonl");
}

TEST_F(PartInputsTest, TheFileIsSortedJsonForAllBytesInNames) {
  Write(1, {"b.mp4", "caf\xe9.mp4", "a \"quoted\"\n.mp4"});
  EXPECT_EQ(ReadTestFile(folder_ + "/prepare_inputs-p01of02.jsonl"),
            "[\"a \\\"quoted\\\"\\n.mp4\",-1]\n[\"b.mp4\",-1]\n[\"caf\xee\xbf\xa9.mp4\",-1]\n");
}

TEST_F(PartInputsTest, TheSameInputInAnyOrderAgrees) {
  Names names = Videos(20);
  names.push_back("caf\xe9.mp4");
  names.push_back("twice.mp4");  // occurs in two inputs
  names.push_back("twice.mp4");
  Write(1, names);
  std::reverse(names.begin(), names.end());
  Write(2, names);
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(PartInputsTest, AVideoMissingFromItsPartIsNamedWithThePart) {
  const Names names = Videos(20);
  Names more = names;
  more.push_back("added.mp4");
  const int of_added = PartOf("added.mp4", 2);
  Write(of_added, names);
  Write(3 - of_added, more);
  ExpectRefused("1 video is missing: added.mp4; prepare part " + std::to_string(of_added) +
                " of 2 again");
  // The part that it belongs to lists it, so together the parts hold all videos.
  Write(of_added, more);
  Write(3 - of_added, names);
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(PartInputsTest, OfManyMissingVideosTheFirstAreNamed) {
  Write(1, Videos(40));
  Write(2, {});
  ExpectRefused(" more; prepare part 2 of 2 again");
}

TEST_F(PartInputsTest, AVideoOfTwoInputsMustBeListedTwiceByItsPart) {
  const int part = PartOf("a.mp4", 2);
  Write(part, {"a.mp4"});
  Write(3 - part, {"a.mp4", "a.mp4"});
  ExpectRefused("missing: a.mp4");
}

TEST_F(PartInputsTest, AMissingListIsNamedAndAMalformedListIsDamage) {
  Write(1, Videos(3));
  ExpectRefused("prepare_inputs-p02of02.jsonl is missing");
  WriteTestFile(folder_ + "/prepare_inputs-p02of02.jsonl", "\"a.mp4\"\n\"cut");
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
}

}  // namespace
}  // namespace slimreel
