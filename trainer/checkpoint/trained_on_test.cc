#include "trainer/checkpoint/trained_on.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(TrainedOnTest, IdsAreReadBackSortedAndOnce) {
  const std::string run = TestFolder("run");
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({9, 3, 9, ~uint64_t{0}, 1})).ok());
  const auto ids = ReadTrainedOn(run);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(ids->ids(), (std::vector<uint64_t>{1, 3, 9, ~uint64_t{0}}));
  EXPECT_TRUE(ids->Contains(3));
  EXPECT_FALSE(ids->Contains(4));
}

TEST(TrainedOnTest, OtherDataAreAddedToTheKnownOnes) {
  SampleIds ids({5, 7});
  ids.Add(SampleIds({6, 7}));
  EXPECT_EQ(ids, SampleIds({5, 6, 7}));
}

TEST(TrainedOnTest, TheBytesAreThoseOfTheFormat) {
  const std::string run = TestFolder("run");
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({2})).ok());
  const std::string bytes = ReadTestFile(run + "/trained_on.bin");
  ASSERT_EQ(bytes.size(), 40u);
  EXPECT_EQ(bytes.substr(0, 24), std::string("SLIMSEEN\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 24));
  EXPECT_EQ(bytes.substr(32), std::string("\2\0\0\0\0\0\0\0", 8));
}

TEST(TrainedOnTest, MissingDamagedAndNewerFilesAreDifferentErrors) {
  const std::string run = TestFolder("run"), path = run + "/trained_on.bin";
  EXPECT_TRUE(absl::IsNotFound(ReadTrainedOn(run).status()));
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({2, 3})).ok());
  const std::string whole = ReadTestFile(path);
  for (const size_t at : {size_t{0}, size_t{16}, size_t{24}, size_t{33}, whole.size() - 1}) {
    std::string flipped = whole;
    flipped[at] ^= 1;
    WriteTestFile(path, flipped);
    EXPECT_TRUE(absl::IsDataLoss(ReadTrainedOn(run).status())) << at;
  }
  for (const size_t size : {size_t{0}, size_t{31}, whole.size() - 8, whole.size() - 1}) {
    WriteTestFile(path, whole.substr(0, size));
    EXPECT_TRUE(absl::IsDataLoss(ReadTrainedOn(run).status())) << size;
  }
  std::string newer = whole;
  newer[8] = 2;
  WriteTestFile(path, newer);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadTrainedOn(run).status()));
}

}  // namespace
}  // namespace slimreel
