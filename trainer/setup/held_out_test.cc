#include "trainer/setup/held_out.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/test_files.h"
#include "data/shard/shard_writer.h"

namespace slimreel {
namespace {

// Samples [first, end), one of each video.
std::string Shards(const std::string& name, int first, int end, int size = 8) {
  const std::string folder = TestFolder(name);
  auto writer = *ShardWriter::Create({.folder = folder, .split = "train"});
  for (int n = first; n < end; ++n) {
    const std::vector<uint8_t> pixels(static_cast<size_t>(4 * size * size * 3),
                                      static_cast<uint8_t>(n));
    Sample sample;
    sample.key = absl::StrCat("clip", n);
    sample.source = absl::StrCat("video", n, ".mp4");
    sample.height = sample.width = size;
    sample.origin.known = true;
    sample.origin.video = {.size_bytes = 1000, .mtime_ns = 0, .digest = static_cast<uint64_t>(n)};
    sample.frames = {{pixels.data(), 4}};
    EXPECT_TRUE(writer->Add(sample).ok());
  }
  EXPECT_TRUE(writer->Flush().ok());
  return folder;
}

std::unique_ptr<Loader> Open(const std::string& source) {
  LoaderOptions options;
  options.sources = {source};
  options.height = options.width = 8;
  options.num_frames = 2;
  options.num_classes = 3;
  options.num_workers = 0;
  auto loader = Loader::Open(options);
  EXPECT_TRUE(loader.ok()) << loader.status();
  return *std::move(loader);
}

FoundCheckpoint CheckpointOf(const std::string& run) {
  return {.path = run + "/checkpoints/step_00000001", .state = {}, .skipped = {}};
}

Model FrameModel() {
  Model model;
  model.inputs = {{InputKind::kFrames, {3, 2, 8, 8}}};
  return model;
}

TEST(HeldOutTest, SamplesOfTrainingAreCountedAndOneIsNamed) {
  const SampleIds trained_on = IdsOf(*Open(Shards("train", 0, 6)));
  const auto apart = Open(Shards("apart", 6, 9));
  EXPECT_TRUE(CheckHeldOut(trained_on, *apart, "data.val", "").ok());
  const auto shared = Open(Shards("shared", 4, 9));
  const absl::Status status = CheckHeldOut(trained_on, *shared, "data.val", "or this");
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  for (const char* part : {"2 of the 5 samples of data.val", "video4.mp4 for example", "or this"}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
  EXPECT_TRUE(CheckHeldOut(trained_on, *Open("synthetic:5"), "data.val", "").ok());
}

TEST(HeldOutTest, NeitherALostIndexNorAnotherShortSideHidesASample) {
  const SampleIds trained_on = IdsOf(*Open(Shards("train", 0, 6)));
  const std::string copy = Shards("copy", 4, 9);
  int indexes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(copy)) {
    if (entry.path().extension() != ".idx") continue;
    std::filesystem::remove(entry.path());
    ++indexes;
  }
  ASSERT_GT(indexes, 0);
  for (const std::string& folder : {copy, Shards("larger", 4, 9, /*size=*/16)}) {
    const absl::Status status = CheckHeldOut(trained_on, *Open(folder), "data.val", "");
    EXPECT_NE(status.message().find("2 of the 5 samples"), absl::string_view::npos) << status;
  }
}

// Collects what is logged as a warning.
class Warnings : public google::LogSink {
 public:
  Warnings() { google::AddLogSink(this); }
  ~Warnings() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity severity, const char*, const char*, int,
            const google::LogMessageTime&, const char* message, size_t length) override {
    if (severity == google::GLOG_WARNING) text_.append(message, length);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

TEST(HeldOutTest, WarnsIfTheCheckpointsRunHasNoRecordEvenIfTheOtherRunHas) {
  const std::string run = TestFolder("run"), elsewhere = TestFolder("elsewhere");
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({1, 2})).ok());
  const auto train = Open(Shards("train", 0, 2));
  const Warnings warnings;
  ASSERT_TRUE(FindTrainedOn(run, CheckpointOf(run), *train).ok());
  EXPECT_EQ(warnings.text(), "");
  const auto ids = FindTrainedOn(run, CheckpointOf(elsewhere), *train);
  EXPECT_NE(warnings.text().find("did not record"), std::string::npos) << warnings.text();
  EXPECT_TRUE(ids.ok() && ids->Contains(1));
}

TEST(HeldOutTest, ARunThatGoesOnWithOtherDataKnowsBoth) {
  const std::string run = TestFolder("run"), elsewhere = TestFolder("elsewhere");
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({1, 2})).ok());
  ASSERT_TRUE(WriteTrainedOn(elsewhere, SampleIds({2, 3})).ok());
  const auto train = Open(Shards("train", 0, 2));
  const SampleIds now = IdsOf(*train);
  EXPECT_EQ(*FindTrainedOn(run, std::nullopt, *train), now) << "a new run forgets a dead one's";
  SampleIds both({1, 2, 3});
  both.Add(now);
  EXPECT_EQ(*FindTrainedOn(run, CheckpointOf(elsewhere), *train), both);
  WriteTestFile(run + "/" + kTrainedOnFile, "damaged");
  EXPECT_TRUE(absl::IsDataLoss(FindTrainedOn(run, CheckpointOf(run), *train).status()));
}

struct Collect : public google::LogSink {
  Collect() { google::AddLogSink(this); }
  ~Collect() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&,
            const char* message, size_t size) override {
    text.append(message, size);
  }
  std::string text;
};

TEST(HeldOutTest, MadeUpSamplesNeedNoRecord) {
  const std::string run = TestFolder("run");
  Collect log;
  EXPECT_TRUE(FindTrainedOn(run, CheckpointOf(run), *Open("synthetic:5")).ok());
  EXPECT_EQ(log.text, "");
  EXPECT_TRUE(FindTrainedOn(run, CheckpointOf(run), *Open(Shards("train", 0, 2))).ok());
  EXPECT_NE(log.text.find("did not record"), std::string::npos) << log.text;
}

TEST(HeldOutTest, DataThatCannotBeOpenedIsReportedWithTheReason) {
  const std::string run = TestFolder("run");
  Config config;
  config.data.train = {TestFolder("gone") + "/none"};
  config.data.num_frames = 2;
  config.data.img_height = config.data.img_width = 8;
  Collect log;
  EXPECT_EQ(*FindTrainedOn(run, CheckpointOf(run), config, FrameModel()), SampleIds());
  LoaderOptions options;
  options.sources = config.data.train;
  options.num_frames = 2;
  options.height = options.width = 8;
  const std::string reason(Loader::Open(options).status().message());
  EXPECT_NE(log.text.find("(" + reason.substr(0, 40)), std::string::npos) << log.text;
}

TEST(HeldOutTest, ARunOfAnEarlierVersionIsCheckedByWhatItsFoldersHoldNow) {
  const std::string run = TestFolder("run");
  Config config;
  config.data.train = {Shards("train", 0, 2)};
  config.data.num_frames = 2;
  config.data.img_height = config.data.img_width = 8;
  const auto found = FindTrainedOn(run, CheckpointOf(run), config, FrameModel());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, IdsOf(*Open(config.data.train[0])));
  std::filesystem::remove_all(config.data.train[0]);
  EXPECT_EQ(*FindTrainedOn(run, CheckpointOf(run), config, FrameModel()), SampleIds());
  ASSERT_TRUE(WriteTrainedOn(run, SampleIds({7})).ok());
  EXPECT_EQ(*FindTrainedOn(run, CheckpointOf(run), config, FrameModel()), SampleIds({7}));
}

}  // namespace
}  // namespace slimreel
