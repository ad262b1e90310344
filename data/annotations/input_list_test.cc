#include "data/annotations/input_list.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/exit_code.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class InputListTest : public testing::Test {
 protected:
  void SetUp() override { root_ = TestFolder("inputs"); }
  // Paths below the root.
  std::string Write(const std::string& path, const std::string& text = "") {
    WriteTestFile(root_ / path, text);
    return (root_ / path).string();
  }
  absl::StatusOr<InputList> List(const Names& inputs, const std::string& annotations = "",
                                 const Names& known = {}) {
    InputRequest request{{}, annotations, known};
    for (const std::string& input : inputs) request.inputs.push_back((root_ / input).string());
    return ListInputs(request);
  }
  fs::path root_;
};

Names NamesOf(const InputList& list) {
  Names names;
  for (const InputVideo& video : list.videos) names.push_back(video.name);
  return names;
}

std::vector<int64_t> LabelsOf(const InputList& list) {
  std::vector<int64_t> labels;
  for (const InputVideo& video : list.videos) labels.push_back(video.label);
  return labels;
}

void ExpectError(const absl::StatusOr<InputList>& list, absl::StatusCode code,
                 const std::string& words) {
  EXPECT_EQ(list.status().code(), code) << list.status();
  EXPECT_NE(list.status().message().find(words), std::string::npos) << list.status();
}

TEST_F(InputListTest, AFolderPerClassIsSortedAndNumbered) {
  Write("in/right/b.mp4");
  Write("in/left/z.MP4");
  Write("in/left/deep/a.avi");
  Write("in/left/notes.txt");
  Write("in/.hidden/c.mp4");
  auto list = List({"in"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(NamesOf(*list), (Names{"left/deep/a.avi", "left/z.MP4", "right/b.mp4"}));
  EXPECT_EQ(list->classes, (Names{"left", "right"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{0, 0, 1}));
  EXPECT_EQ(list->warnings.size(), 1u);
}

TEST_F(InputListTest, LinksThatLeadBackAreNotFollowedAndOthersAre) {
  Write("in/left/a.mp4");
  Write("in/right/b.mp4");
  Write("more/c.mp4");
  Write("beside.mp4");
  fs::create_directory_symlink("..", root_ / "in/left/up");  // to the input
  fs::create_directory_symlink("../..",
                               root_ / "in/left/higher");  // to the folder that contains the input
  fs::create_directory_symlink(".", root_ / "in/right/self");
  fs::create_directory_symlink("../more", root_ / "in/more");
  fs::create_directory_symlink("../in", root_ / "more/back");  // a cycle by way of in/more
  fs::create_directory_symlink("../../more", root_ / "in/right/more");
  fs::create_directory_symlink("in", root_ / "link");
  for (const std::string input : {"in", "link"}) {
    auto list = List({input});
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(NamesOf(*list),
              (Names{"left/a.mp4", "more/c.mp4", "right/b.mp4", "right/more/c.mp4"}));
    EXPECT_EQ(list->classes, (Names{"left", "more", "right"}));
    EXPECT_EQ(list->warnings.size(), 5u);  // one for each link that is not followed
  }
}

TEST_F(InputListTest, AFlatFolderAndPlainFilesHaveNoLabels) {
  Write("flat/b.mp4");
  Write("flat/a.mkv");
  Write("one.dat");
  auto list = List({"flat", "one.dat"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(NamesOf(*list), (Names{"a.mkv", "b.mp4", "one.dat"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{-1, -1, -1}));
  EXPECT_TRUE(list->classes.empty());
}

TEST_F(InputListTest, ListsGiveNumbersOrNamesBesideTheList) {
  Write("d/x y.mp4");
  Write("d/numbers.txt", "# two\nx y.mp4 2\nmissing.mp4 0\n");
  auto list = List({"d/numbers.txt"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{2, 0}));
  EXPECT_EQ(list->classes, (Names{"0", "1", "2"}));
  EXPECT_EQ(list->videos[0].path, (root_ / "d/x y.mp4").string());
  Write("d/names.txt", "x y.mp4 up\nother.mp4 down\nbare.mp4\n");
  list = List({"d/names.txt"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->classes, (Names{"down", "up"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1, 0, -1}));
}

TEST_F(InputListTest, CsvListsAndCsvAnnotationsAreSplitAtTheComma) {
  Write("d/a b.mp4");
  Write("d/c,d.mp4");
  const std::string table =
      Write("d/list.csv", "path,label\na b.mp4,turns left\n\"c,d.mp4\",down\nmissing.mp4,\n");
  auto list = List({"d/list.csv"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(NamesOf(*list), (Names{"a b.mp4", "c,d.mp4", "missing.mp4"}));
  EXPECT_EQ(list->classes, (Names{"down", "turns left"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1, 0, -1}));
  list = List({"d"}, table);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1, 0}));
}

TEST_F(InputListTest, AnnotationsGiveLabelsAndClassNames) {
  Write("flat/a.mp4");
  Write("flat/b.mp4");
  const std::string labels = Write("labels.txt", "walk\nrun\nflat/a.mp4 run\nb.mp4 0\nc.mp4 run\n");
  auto list = List({"flat"}, labels);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->classes, (Names{"walk", "run"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(list->warnings.size(), 1u);  // about c.mp4
}

// A path relative to the list, and an absolute one.
TEST_F(InputListTest, AnnotationsFindVideosByRelativeAndAbsolutePaths) {
  Write("flat/a.mp4");
  Write("flat/b.mp4");
  const std::string labels =
      Write("lists/l.txt", "../flat/./a.mp4 up\n" + (root_ / "flat/b.mp4").string() + " down\n");
  const fs::path before = fs::current_path();
  fs::current_path(root_);
  for (const std::string& input : {std::string("flat"), (root_ / "flat").string()}) {
    for (const std::string& annotations : {std::string("lists/l.txt"), labels}) {
      InputRequest request;
      request.inputs = {input};
      request.annotations = annotations;
      auto list = ListInputs(request);
      ASSERT_TRUE(list.ok()) << list.status();
      EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1, 0}));
    }
  }
  fs::current_path(before);
}

TEST_F(InputListTest, KagglesJsonGivesLabels) {
  Write("flat/a.mp4");
  Write("flat/b.mp4");
  const std::string labels =
      Write("flat/metadata.json",
            R"({"a.mp4": {"label": "FAKE", "split": "train"}, "b.mp4": {"label": "REAL"}})");
  auto list = List({"flat"}, labels);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->classes, (Names{"FAKE", "REAL"}));
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{0, 1}));
  list = List({"flat/metadata.json"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{0, 1}));
  ExpectError(List({"flat"}, Write("l.json", "[\"a.mp4\"]")), absl::StatusCode::kInvalidArgument,
              "l.json:1");
}

TEST_F(InputListTest, AnnotationsThatLabelNothingAreAMistake) {
  Write("flat/a.mp4");
  const auto refused = [this](const std::string& text) {
    const auto list = List({"flat"}, Write("l.txt", text));
    EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(list.status().message());
  };
  EXPECT_NE(refused("x.mp4 1\ny.mp4 2\n").find("none of its 2 lines names a video"),
            std::string::npos);
  EXPECT_NE(refused("walk\nrun\n").find("no video has a label"), std::string::npos);
  EXPECT_NE(refused("a.mp4\n").find("it gives no label"), std::string::npos);
  EXPECT_NE(refused("\n").find("it gives no label"), std::string::npos);
  EXPECT_NE(refused("a.mp4 1\nflat/a.mp4 2\n").find("l.txt:2"), std::string::npos);
  Write("in/walk/b.mp4");
  EXPECT_TRUE(List({"in"}, Write("l.txt", "run\nwalk\n")).ok());  // the folders give the labels
}

TEST_F(InputListTest, ListsWithoutLabelsAndNamesWithAHashAreWhole) {
  Write("d/drinking (31).mp4");
  Write("d/#1 goal.mp4");
  Write("d/l.txt", "drinking (31).mp4\n#1 goal.mp4\naway (2).mp4\n");
  auto list = List({"d/l.txt"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(NamesOf(*list), (Names{"drinking (31).mp4", "#1 goal.mp4", "away (2).mp4"}));
  EXPECT_TRUE(list->classes.empty());
  // Annotations may name videos by their file names only.
  list = List({"d"}, Write("labels.txt", "#1 goal.mp4 goal\ndrinking (31).mp4 none\n"));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{0, 1}));
}

TEST_F(InputListTest, AKeypointFileForTwoVideosIsRefusedAndNamesBoth) {
  Write("in/clip.mp4");
  Write("in/clip.avi");
  Write("in/clip.x.avi");
  EXPECT_TRUE(List({"in"}).ok());
  Write("in/clip.kpts.npy");
  ExpectError(List({"in"}), absl::StatusCode::kInvalidArgument, "in/clip.avi and ");
  InputRequest without;
  without.inputs = {(root_ / "in").string()};
  without.keypoints = false;
  EXPECT_TRUE(ListInputs(without).ok());
  Write("in/clip.avi.kpts.npy");
  EXPECT_TRUE(List({"in"}).ok());  // now only clip.mp4 uses clip.kpts.npy
  Write("in/clip.mov");
  ExpectError(List({"in"}), absl::StatusCode::kInvalidArgument, "in/clip.mov and ");
}

TEST_F(InputListTest, TheNameOfOneVideoMayBeTheStemOfAnother) {
  Write("in/clip.mp4");
  Write("in/clip.mp4.avi");
  Write("in/clip.mp4.kpts.npy");
  ExpectError(List({"in"}), absl::StatusCode::kInvalidArgument, "in/clip.mp4.kpts.npy");
}

TEST_F(InputListTest, AmbiguousAnnotationsAreRefusedWithTheLine) {
  Write("in/x/a.mp4");
  Write("in/y/a.mp4");
  ExpectError(List({"in"}, Write("l.txt", "\na.mp4 x\n")), absl::StatusCode::kInvalidArgument,
              "l.txt:2");
}

TEST_F(InputListTest, KnownClassesSetTheNumbers) {
  Write("val/right/a.mp4");
  auto list = List({"val"}, "", {"left", "right"});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(LabelsOf(*list), (std::vector<int64_t>{1}));
  EXPECT_EQ(list->classes, (Names{"left", "right"}));
  ExpectError(List({"val"}, "", {"left", "up"}), absl::StatusCode::kInvalidArgument, "`right`");
}

TEST_F(InputListTest, MistakesNameTheLineOrTheInput) {
  Write("a.mp4");
  Write("twice.txt", "a.mp4 1\na.mp4 2\n");
  ExpectError(List({"twice.txt"}), absl::StatusCode::kInvalidArgument, "twice.txt:2");
  ExpectError(List({"absent"}), absl::StatusCode::kNotFound, "absent");
  const std::string labels = Write("wrong.txt", "walk\nrun\na.mp4 5\n");
  ExpectError(List({"a.mp4"}, labels), absl::StatusCode::kInvalidArgument, "wrong.txt:3");
}

TEST_F(InputListTest, AnInputWithoutAVideoIsUnusableData) {
  Write("in/left/a.mp4");
  fs::create_directories(root_ / "disk");
  Write("empty.txt", "# nothing\n");
  for (const std::string none : {"disk", "empty.txt"}) {
    for (const Names& inputs : {Names{none}, Names{"in", none}}) {
      const auto list = List(inputs);
      ExpectError(list, absl::StatusCode::kFailedPrecondition, none + " holds no video");
      EXPECT_EQ(ExitCodeOf(list.status()), ExitCode::kDataUnusable);
    }
  }
}

TEST_F(InputListTest, AFolderForAListIsAUsageError) {
  Write("in/left/a.mp4");
  const auto list = List({"in"}, (root_ / "in").string());
  ExpectError(list, absl::StatusCode::kInvalidArgument, "Is a directory");
}

}  // namespace
}  // namespace slimreel
