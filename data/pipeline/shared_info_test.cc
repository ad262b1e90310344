#include "data/pipeline/shared_info.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/exit_code.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

using Strings = std::vector<std::string>;

class SharedInfoTest : public testing::Test {
 protected:
  void SetUp() override { root_ = TestFolder("shards"); }

  SplitId Id(const std::string& split, int part = 0) const {
    return {root_, split, part, part > 0 ? 2 : 0};
  }

  static DatasetInfo Info(const Strings& classes) {
    DatasetInfo info;
    info.classes = classes;
    info.preparation = {{"short_side", 32}};
    info.fingerprint = "f";
    return info;
  }

  // Opens the split and claims `info` for it.
  std::unique_ptr<SplitFolder> OpenAndClaim(const std::string& split,
                                            const DatasetInfo& info) const {
    auto folder = SplitFolder::Open(Id(split));
    EXPECT_TRUE(folder.ok()) << folder.status();
    const absl::Status claimed = ClaimSplit(info, folder->get());
    EXPECT_TRUE(claimed.ok()) << claimed;
    return *std::move(folder);
  }

  static SplitCounts Counts(int64_t samples) {
    SplitCounts counts;
    counts.samples = samples;
    return counts;
  }

  std::string root_;
};

TEST_F(SharedInfoTest, AnUpdateOfOneSplitKeepsTheCountsOfTheOthers) {
  const DatasetInfo info = Info({"left", "right"});
  for (const auto& [split, samples] :
       {std::pair{"train", 3}, {"val", 2}, {"test", 1}, {"val", 5}}) {
    ASSERT_TRUE(UpdateDatasetInfo(Id(split), info, Counts(samples)).ok());
  }
  const auto read = ReadDatasetInfo(root_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->splits, (std::map<std::string, SplitCounts>{
                              {"train", Counts(3)}, {"val", Counts(5)}, {"test", Counts(1)}}));
  EXPECT_EQ(read->classes, info.classes);
  EXPECT_EQ(read->preparation, info.preparation);
}

TEST_F(SharedInfoTest, ASplitIsUnfinishedUntilItsCountsAreWritten) {
  const DatasetInfo info = Info({"left"});
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, Counts(3)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("val"), info, std::nullopt).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->unfinished, std::set<std::string>{"val"});
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.count("train"), 1u);
  ASSERT_TRUE(UpdateDatasetInfo(Id("val"), info, Counts(2)).ok());
  EXPECT_TRUE(ReadDatasetInfo(root_)->unfinished.empty());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.size(), 2u);
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, std::nullopt).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->unfinished, std::set<std::string>{"train"});
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.count("train"), 0u);
}

TEST_F(SharedInfoTest, ARemovedSplitIsGoneAndTheFileWithTheLastOne) {
  const DatasetInfo info = Info({"left"});
  EXPECT_TRUE(RemoveSplitInfo(Id("train")).ok()) << "there is no file";
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, Counts(3)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("val"), info, std::nullopt).ok());
  ASSERT_TRUE(RemoveSplitInfo(Id("test")).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.size(), 1u);
  ASSERT_TRUE(RemoveSplitInfo(Id("train")).ok());
  EXPECT_TRUE(ReadDatasetInfo(root_)->splits.empty());
  ASSERT_TRUE(RemoveSplitInfo(Id("val")).ok());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/dataset.json"));
}

// A reader may be using the shards of a listed split.
TEST_F(SharedInfoTest, ASplitIsListedIfAnyDivisionOfItIsComplete) {
  const DatasetInfo info = Info({"left"});
  EXPECT_FALSE(*IsListed(Id("train")));
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, std::nullopt).ok());
  EXPECT_FALSE(*IsListed(Id("train"))) << "unfinished";
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, Counts(3)).ok());
  EXPECT_TRUE(*IsListed(Id("train")));
  EXPECT_TRUE(*IsListed(Id("train", 1))) << "the whole split counts for a part";
  EXPECT_FALSE(*IsListed(Id("val")));
  ASSERT_TRUE(RemoveSplitInfo(Id("train")).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("train", 2), info, Counts(3)).ok());
  EXPECT_TRUE(*IsListed(Id("train"))) << "a part is complete";
}

// Both splits are prepared again with other options. The first one to end does not wait for the
// other; the old shards of the other are not read with the new options.
TEST_F(SharedInfoTest, ASplitThatAnotherProcessIsPreparingAgainBecomesUnfinished) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  DatasetInfo other_options = Info({"left"});
  other_options.fingerprint = "g";
  {
    const auto train = OpenAndClaim("train", other_options);
    const absl::Status val = UpdateDatasetInfo(Id("val"), other_options, Counts(2));
    ASSERT_TRUE(val.ok()) << val;
    EXPECT_EQ(ReadDatasetInfo(root_)->unfinished, std::set<std::string>{"train"});
    EXPECT_EQ(ReadDatasetInfo(root_)->fingerprint, "g");
  }
  // No process is preparing val, so its settings hold.
  EXPECT_TRUE(
      absl::IsFailedPrecondition(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3))));
  EXPECT_TRUE(UpdateDatasetInfo(Id("train"), other_options, Counts(4)).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.size(), 2u);
  EXPECT_TRUE(ReadDatasetInfo(root_)->unfinished.empty());
}

TEST_F(SharedInfoTest, OtherClassesOrOptionsBesideOtherSplitsAreRefused) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(UpdateDatasetInfo(Id("val"), Info({"left", "right"}), Counts(2))));
  DatasetInfo other_options = Info({"left"});
  other_options.fingerprint = "g";
  EXPECT_TRUE(absl::IsFailedPrecondition(UpdateDatasetInfo(Id("val"), other_options, Counts(2))));
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.size(), 1u);
  // The only split of a folder may change both.
  EXPECT_TRUE(UpdateDatasetInfo(Id("train"), other_options, Counts(3)).ok());
}

TEST_F(SharedInfoTest, OtherSplitsArePublishedOrClaimedByALivingProcess) {
  auto train = OpenAndClaim("train", Info({"left", "right"}));
  EXPECT_TRUE(PublishedOtherSplits(Id("val"))->names.empty());
  const auto others = PublishedAndClaimedOtherSplits(Id("val"));
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(others->names, Strings{"train"});
  EXPECT_EQ(others->classes, (Strings{"left", "right"}));
  EXPECT_EQ(others->fingerprint, "f");
  EXPECT_EQ(others->preparation["short_side"], 32);
  EXPECT_TRUE(PublishedAndClaimedOtherSplits(Id("train"))->names.empty()) << "its own claim";
  EXPECT_TRUE(PublishedAndClaimedOtherSplits(Id("val", 1))->names.empty())
      << "parts have claims of their own";
  train.reset();
  EXPECT_TRUE(PublishedAndClaimedOtherSplits(Id("val"))->names.empty()) << "it is gone";
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  EXPECT_EQ(PublishedOtherSplits(Id("val"))->classes, Strings{"left"});
  EXPECT_TRUE(PublishedOtherSplits(Id("train"))->names.empty());
}

TEST_F(SharedInfoTest, AClaimReplacesWhatTheSameSplitPublishedBefore) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  // Claims, and has not changed dataset.json yet.
  auto train = SplitFolder::Open(Id("train"));
  ASSERT_TRUE((*train)->WriteClaim(FormatDatasetInfo(Info({"left", "right"}))).ok());
  EXPECT_EQ(PublishedAndClaimedOtherSplits(Id("val"))->classes, (Strings{"left", "right"}));
  EXPECT_EQ(PublishedAndClaimedOtherSplits(Id("val"))->names, Strings{"train"});
  train->reset();
  EXPECT_EQ(PublishedAndClaimedOtherSplits(Id("val"))->classes, Strings{"left"});
}

TEST_F(SharedInfoTest, AClaimWithoutChangesKeepsThePublishedSplit) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  const auto train = OpenAndClaim("train", Info({"left"}));
  EXPECT_EQ(PublishedOtherSplits(Id("val"))->names, Strings{"train"});
}

TEST_F(SharedInfoTest, ASplitThatStartsAfterAClaimUsesTheClaimedClasses) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(3)).ok());
  const DatasetInfo info = Info({"left", "right"});
  const auto train = OpenAndClaim("train", info);
  const absl::Status val = UpdateDatasetInfo(Id("val"), info, Counts(2));
  EXPECT_TRUE(val.ok()) << val;
  EXPECT_TRUE(UpdateDatasetInfo(Id("train"), info, Counts(4)).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits,
            (std::map<std::string, SplitCounts>{{"train", Counts(4)}, {"val", Counts(2)}}));
}

TEST_F(SharedInfoTest, OpeningASplitDropsTheClaimOfAnEarlierPreparation) {
  OpenAndClaim("train", Info({"left"})).reset();
  const auto train = SplitFolder::Open(Id("train"));
  EXPECT_TRUE(PublishedAndClaimedOtherSplits(Id("val"))->names.empty());
}

// Train and val at once; one of them has no labels. Tried in both orders.
TEST_F(SharedInfoTest, ASplitWithoutLabelsFitsBesideALabelledOne) {
  const DatasetInfo none = Info({}), labelled = Info({"left", "right"});
  for (const bool labelled_first : {false, true}) {
    root_ = TestFolder(labelled_first ? "labelled_first" : "labelled_last");
    const DatasetInfo& first = labelled_first ? labelled : none;
    const DatasetInfo& second = labelled_first ? none : labelled;
    const auto train = OpenAndClaim("train", first), val = OpenAndClaim("val", second);
    EXPECT_EQ(PublishedAndClaimedOtherSplits(Id("test"))->classes, labelled.classes);
    ASSERT_TRUE(UpdateDatasetInfo(Id("train"), first, Counts(3)).ok());
    const absl::Status status = UpdateDatasetInfo(Id("val"), second, Counts(2));
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(ReadDatasetInfo(root_)->classes, labelled.classes);
    EXPECT_EQ(ReadDatasetInfo(root_)->splits.size(), 2u);
    EXPECT_EQ(PublishedOtherSplits(Id("test"))->classes, labelled.classes);
    EXPECT_FALSE(UpdateDatasetInfo(Id("test"), Info({"other"}), Counts(1)).ok());
    // The only split of a folder may drop the classes.
    ASSERT_TRUE(RemoveSplitInfo(Id("val")).ok());
    ASSERT_TRUE(UpdateDatasetInfo(Id("train"), none, Counts(3)).ok());
    EXPECT_TRUE(ReadDatasetInfo(root_)->classes.empty());
  }
}

TEST_F(SharedInfoTest, APartThatChangesRemovesItsSplitFromTheJoinedFile) {
  const DatasetInfo info = Info({"left"});
  ASSERT_TRUE(UpdateDatasetInfo(Id("train", 1), info, Counts(3)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("train", 2), info, Counts(2)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("val"), info, Counts(1)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), info, Counts(5)).ok());  // as if joined
  ASSERT_TRUE(UpdateDatasetInfo(Id("train", 1), info, Counts(3)).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.count("train"), 1u) << "nothing has changed";
  ASSERT_TRUE(UpdateDatasetInfo(Id("train", 1), info, Counts(4)).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits,
            (std::map<std::string, SplitCounts>{{"val", Counts(1)}}));
  // Without val the joined file is gone, and the reader joins the parts itself.
  ASSERT_TRUE(RemoveSplitInfo(Id("val")).ok());
  EXPECT_EQ(ReadDatasetInfo(root_)->splits.at("train").samples, 6);
}

TEST_F(SharedInfoTest, APartMustAgreeWithTheOtherSplitsOfTheJoinedFile) {
  ASSERT_TRUE(UpdateDatasetInfo(Id("val"), Info({"left", "right"}), Counts(1)).ok());
  ASSERT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left", "right"}), Counts(5)).ok());
  const auto others = PublishedOtherSplits(Id("train", 1));
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_EQ(others->names, Strings{"val"});
  EXPECT_EQ(others->classes, (Strings{"left", "right"}));
  EXPECT_EQ(others->fingerprint, "f");
}

TEST_F(SharedInfoTest, AStopEndsTheWaitForTheLock) {
  const auto holder = LockDatasetInfo(Id("train"));
  const auto stopped = [] { return true; };
  EXPECT_EQ(ExitCodeOf(LockDatasetInfo(Id("val"), stopped).status()), ExitCode::kStopped);
  EXPECT_EQ(ExitCodeOf(UpdateDatasetInfo(Id("val"), Info({}), Counts(1), stopped)),
            ExitCode::kStopped);
}

TEST_F(SharedInfoTest, ADamagedFileIsReportedAndNotReplaced) {
  WriteTestFile(root_ + "/dataset.json", "{");
  EXPECT_TRUE(absl::IsDataLoss(PublishedOtherSplits(Id("val")).status()));
  EXPECT_TRUE(absl::IsDataLoss(UpdateDatasetInfo(Id("val"), Info({}), Counts(1))));
  EXPECT_EQ(ReadTestFile(root_ + "/dataset.json"), "{");
}

TEST_F(SharedInfoTest, AKilledProcessReleasesTheLock) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ready[0]);
    const auto lock = LockDatasetInfo(Id("train"));
    const auto folder = SplitFolder::Open(Id("train"));
    const char said = lock.ok() && folder.ok() ? 'y' : 'n';
    if (write(ready[1], &said, 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ready[1]);  // so only the child has this end, and its death ends the read
  char said = 0;
  ASSERT_EQ(read(ready[0], &said, 1), 1) << "the child has died";
  close(ready[0]);
  ASSERT_EQ(said, 'y');
  EXPECT_EQ(*FileLock::Try(DatasetInfoLockPath(root_)), nullptr);
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(UpdateDatasetInfo(Id("train"), Info({"left"}), Counts(1)).ok());
  EXPECT_TRUE(SplitFolder::Open(Id("train")).ok());
}

TEST_F(SharedInfoTest, AFolderThatCannotBeMadeIsAMachineError) {
  WriteTestFile(root_ + "/file", "x");
  const absl::Status status = LockDatasetInfo({root_ + "/file/below", "train", 0, 0}).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kInternal) << status;
}

}  // namespace
}  // namespace slimreel
