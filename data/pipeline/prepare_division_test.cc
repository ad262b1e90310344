// A split that is prepared in parts: no video is in two parts, and none is lost.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "base/exit_code.h"
#include "base/file_lock.h"
#include "base/test_files.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/join_parts.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

class PrepareDivisionTest : public PrepareTest {
 protected:
  PrepareOptions Part(int part, int num_parts, bool replace = false) const {
    PrepareOptions options = Options("out");
    options.part = part;
    options.num_parts = num_parts;
    options.replace_division = replace;
    return options;
  }

  std::set<std::string> Keys(const std::string& output) const {
    std::set<std::string> keys;
    auto shards = ShardDataset::Open(root_ + "/" + output, "train");
    EXPECT_TRUE(shards.ok()) << shards.status();
    if (!shards.ok()) return keys;
    for (int64_t i = 0; i < (*shards)->num_samples(); ++i) {
      EXPECT_TRUE(keys.insert(std::string((*shards)->sample(i).key)).second);
    }
    return keys;
  }

  void ExpectRefusedNamingTheFlag(const PrepareOptions& options) const {
    const absl::Status refused = Prepare(options).status();
    EXPECT_EQ(ExitCodeOf(refused), ExitCode::kUsage) << refused;
    EXPECT_NE(refused.message().find("--replace_division"), absl::string_view::npos) << refused;
  }

  // A name of class `left` that belongs to part `part` of two.
  static std::string NameInPart(int part) {
    for (char letter = 'k';; ++letter) {
      const std::string name = std::string("left/") + letter;
      if (PartOf(name + ".mp4", 2) == part) return name;
    }
  }
};

TEST_F(PrepareDivisionTest, PartsTogetherHoldTheSamplesOfTheWholeSplit) {
  for (const int part : {1, 2, 3}) ASSERT_TRUE(Prepare(Part(part, 3)).ok());
  ASSERT_TRUE(Prepare(Options("whole")).ok());
  EXPECT_EQ(Keys("out"), Keys("whole"));
  const auto joined = JoinParts(root_ + "/out");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(Keys("out"), Keys("whole"));
}

TEST_F(PrepareDivisionTest, AnotherDivisionIsRefusedWithoutReplaceDivision) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const auto whole = Keys("out");
  ExpectRefusedNamingTheFlag(Part(1, 2));
  EXPECT_EQ(Keys("out"), whole);
  ASSERT_TRUE(Prepare(Part(1, 2, /*replace=*/true)).ok());
  EXPECT_FALSE(fs::exists(root_ + "/out/train-000000.tar"));
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  EXPECT_EQ(Keys("out"), whole);
  ExpectRefusedNamingTheFlag(Part(1, 3));
  ExpectRefusedNamingTheFlag(Options("out"));
  PrepareOptions again = Options("out");
  again.replace_division = true;
  ASSERT_TRUE(Prepare(again).ok());
  EXPECT_EQ(Keys("out"), whole);
  for (const auto& entry : fs::directory_iterator(root_ + "/out")) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name[0] == '.' || name.find("of02") == std::string::npos) << name;
  }
}

TEST_F(PrepareDivisionTest, TheOldDivisionStaysUntilTheFirstNewPartIsPublished) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const auto whole = Keys("out");
  PrepareOptions part = Part(1, 2, /*replace=*/true);
  part.interrupted = [] { return true; };
  EXPECT_EQ(ExitCodeOf(Prepare(part).status()), ExitCode::kStopped);
  EXPECT_EQ(Keys("out"), whole);
}

TEST_F(PrepareDivisionTest, AJoinNamesAVideoThatOnePartDidNotKnow) {
  ASSERT_TRUE(Prepare(Part(1, 2)).ok());
  const std::string lost = NameInPart(1);
  MakeClip(lost);
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  const absl::Status refused = JoinParts(root_ + "/out").status();
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(refused.message().find(lost + ".mp4"), absl::string_view::npos) << refused;
  // A reader does not take the parts for the whole split either.
  EXPECT_FALSE(ShardDataset::Open(root_ + "/out", "train").ok());
  ASSERT_TRUE(Prepare(Part(1, 2)).ok());
  EXPECT_TRUE(JoinParts(root_ + "/out").ok());
}

// The samples of part 2 do not change; only its list of the videos of all parts does.
TEST_F(PrepareDivisionTest, AJoinedSplitIsInvalidWhenThePartsGetOtherInputs) {
  for (const int part : {1, 2}) ASSERT_TRUE(Prepare(Part(part, 2)).ok());
  ASSERT_TRUE(JoinParts(root_ + "/out").ok());
  const std::string lost = NameInPart(1);
  MakeClip(lost);
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  const absl::Status refused = ShardDataset::Open(root_ + "/out", "train").status();
  EXPECT_EQ(ExitCodeOf(refused), ExitCode::kDataUnusable) << refused;
  EXPECT_NE(refused.message().find(lost + ".mp4"), absl::string_view::npos) << refused;
}

TEST_F(PrepareDivisionTest, AVideoAddedToALaterPartMovesNoOtherVideo) {
  ASSERT_TRUE(Prepare(Part(1, 2)).ok());
  MakeClip(NameInPart(2));
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  ASSERT_TRUE(JoinParts(root_ + "/out").ok());
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  EXPECT_EQ(Keys("out"), Keys("fresh"));
}

TEST_F(PrepareDivisionTest, AJoinNamesAClassThatOnePartDidNotKnow) {
  ASSERT_TRUE(Prepare(Part(1, 2)).ok());
  MakeClip("swim/z");
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  const absl::Status refused = JoinParts(root_ + "/out").status();
  EXPECT_EQ(ExitCodeOf(refused), ExitCode::kDataUnusable) << refused;
  EXPECT_NE(refused.message().find("swim"), absl::string_view::npos) << refused;
}

// The lock stands for a preparation that has published nothing yet.
TEST_F(PrepareDivisionTest, ADivisionThatIsBeingPreparedIsNeitherIgnoredNorRemoved) {
  fs::create_directories(root_ + "/out");
  const auto whole = FileLock::Try(root_ + "/out/.train.lock");
  ASSERT_TRUE(whole.ok() && *whole != nullptr);
  ExpectRefusedNamingTheFlag(Part(1, 2));
  const absl::Status refused = Prepare(Part(1, 2, /*replace=*/true)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
}

TEST_F(PrepareDivisionTest, PartsAreJoinedEvenIfOneHasOnlyDamagedVideos) {
  const std::string bad = NameInPart(1);
  for (const char* name : {"left/a", "left/b", "left/c", "right/a", "right/b"}) {
    if (PartOf(std::string(name) + ".mp4", 2) == 1) {
      fs::remove(root_ + "/in/" + name + ".mp4");
    }
  }
  WriteTestFile(root_ + "/in/" + bad + ".mp4", std::string(3000, 'x'));
  EXPECT_EQ(ExitCodeOf(Prepare(Part(1, 2)).status()), ExitCode::kDataUnusable);
  ASSERT_TRUE(Prepare(Part(2, 2)).ok());
  const auto joined = JoinParts(root_ + "/out");
  ASSERT_TRUE(joined.ok()) << joined.status();
}

TEST_F(PrepareDivisionTest, PartsThatGiveAVideoDifferentLabelsAreNotJoined) {
  for (const int part : {1, 2}) {
    PrepareOptions options = Part(part, 2);
    std::string list = "left\nright\n";
    for (const char* name : {"left/a", "left/b", "left/c", "right/a", "right/b"}) {
      const bool left = (name[0] == 'l') == (part == 1);
      list += std::string("in/") + name + ".mp4 " + (left ? "left" : "right") + "\n";
    }
    WriteTestFile(root_ + "/labels" + std::to_string(part) + ".txt", list);
    options.annotations = root_ + "/labels" + std::to_string(part) + ".txt";
    ASSERT_TRUE(Prepare(options).ok());
  }
  const absl::Status refused = JoinParts(root_ + "/out").status();
  EXPECT_NE(refused.message().find("with other labels"), absl::string_view::npos) << refused;
}

TEST_F(PrepareDivisionTest, APartWithoutVideosIsPublishedAndTheOthersAreTheWholeSplit) {
  for (const char* name : {"left/b", "left/c", "right/a", "right/b"}) {
    fs::remove(root_ + "/in/" + name + ".mp4");
  }
  const int part = PartOf("left/a.mp4", 2);
  ASSERT_TRUE(Prepare(Part(part, 2)).ok());
  EXPECT_FALSE(ShardDataset::Open(root_ + "/out", "train").ok());
  const auto empty = Prepare(Part(3 - part, 2));
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->samples, 0);
  EXPECT_EQ(Keys("out").size(), 3u);
}

}  // namespace
}  // namespace slimreel
