#include "trainer/checkpoint/folder.h"

#include <xxhash.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "gtest/gtest.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    run_ = ::testing::TempDir() + "/" + info->name();
    fs::remove_all(run_);
    folder_ = run_ + "/checkpoints";
    fs::create_directories(folder_);
  }

  void Save(int64_t step) {
    auto published = AtomicFolder::Create(folder_ + "/" + CheckpointName(step));
    ASSERT_TRUE(published.ok()) << published.status();
    const std::string staging = (*published)->aside();
    TrainState state;
    state.step = step;
    state.schedule = "every:2";
    for (const char* name : {kModelFile, kOptimizerFile}) {
      Write(staging + "/" + name, std::string(1000, static_cast<char>('a' + step % 26)));
      state.files[name] = *FingerprintFile(staging + "/" + name);
    }
    Write(staging + "/" + kStateFile, StateToJson(state));
    ASSERT_TRUE((*published)->Commit().ok());
  }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  std::string File(int64_t step, const char* name) {
    return folder_ + "/" + CheckpointName(step) + "/" + name;
  }

  std::string run_;
  std::string folder_;
};

void FlipByte(const std::string& path, int64_t position) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(position);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(position);
  file.put(flipped);
}

TEST_F(FolderTest, StateComesBackFromItsJsonUnchanged) {
  TrainState state;
  state.step = 12;
  state.best_value = 0.1 + 0.2;
  state.best_step = 10;
  state.best_metric = "top1";
  state.evaluated_step = 11;
  state.classes = {"left", "right \"quoted\""};
  state.preparation = {
      .short_side = 72, .max_video_frames = 60, .chunk_overlap = 3, .quality_threshold = 0.1};
  state.changes = {"step 10: train.lr: 0.1 -> 0.01"};
  state.peaks = {.device = 1, .reserved = 2, .host = 3, .loader = 4};
  state.loader_epoch = 3;
  state.loader_next_sample = 40;
  state.environment = {2, "AVX2", "2.13.0", "cpu"};
  state.files["a"] = {7, "00000000000000ff"};
  const auto back = StateFromJson(StateToJson(state), "state.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

TEST_F(FolderTest, NamesThatAreNoUtf8KeepTheirBytes) {
  TrainState state;
  state.classes = {"caf\xe9", "caf\xc3\xa9", "caf\xe8", "left"};  // Latin-1, UTF-8
  state.changes = {"step 3: data.train: /media/caf\xe9 -> /media/caf\xc3\xa9"};
  const std::string text = StateToJson(state);
  ASSERT_TRUE(nlohmann::json::accept(text));
  const auto back = StateFromJson(text, "state.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

// The hash is right each time: only the form tells.
TEST_F(FolderTest, AFieldThatIsMissingOrOfAnotherKindIsDamageAndNoException) {
  TrainState state;
  state.classes = {"left"};
  state.files["a"] = {7, "ff"};
  const auto whole = nlohmann::json::parse(StateToJson(state));
  const auto read = [](nlohmann::json json) {
    json.erase("hash");
    const std::string text = json.dump();
    json["hash"] = absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
    return StateFromJson(json.dump(), "state.json").status();
  };
  ASSERT_TRUE(read(whole).ok());
  const nlohmann::json flat = whole.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (pointer == "/hash") continue;
    nlohmann::json changed = whole;
    changed[nlohmann::json::json_pointer(pointer)] = nlohmann::json::array({1, 2});
    EXPECT_EQ(read(changed).code(), absl::StatusCode::kDataLoss) << pointer;
  }
  for (const auto& [name, value] : whole.items()) {
    nlohmann::json changed = whole;
    changed.erase(name);
    const bool optional = name == "changes" || name == "hash";  // read() makes a new hash
    EXPECT_EQ(read(changed).ok(), optional) << name;
  }
  for (const char* text : {"", "[]", "7", "{\"format\": \"2\"}", "{\"format\": 2, \"hash\": 3}"}) {
    EXPECT_EQ(StateFromJson(text, "state.json").status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(FolderTest, EveryFlippedByteOfEveryFileIsFound) {
  Save(4);
  for (const char* name : {kModelFile, kOptimizerFile, kStateFile}) {
    const int64_t size = static_cast<int64_t>(fs::file_size(File(4, name)));
    for (int64_t position = 0; position < size; position += 13) {
      FlipByte(File(4, name), position);
      const auto verified = VerifyCheckpoint(folder_ + "/" + CheckpointName(4));
      // Blanks and line ends of the JSON carry nothing: then the state must be the same.
      if (verified.ok()) {
        EXPECT_STREQ(name, kStateFile);
        EXPECT_EQ(verified->step, 4);
        EXPECT_EQ(verified->schedule, "every:2");
      }
      FlipByte(File(4, name), position);
    }
  }
  EXPECT_TRUE(VerifyCheckpoint(folder_ + "/" + CheckpointName(4)).ok());
}

TEST_F(FolderTest, DamagedNewestFallsBackToAnOlderIntactOneAndSaysSo) {
  Save(10);
  Save(20);
  Save(30);
  FlipByte(File(30, kOptimizerFile), 500);
  fs::resize_file(File(20, kModelFile), 999);
  const auto found = FindNewestIntact(folder_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.step, 10);
  ASSERT_EQ(found->skipped.size(), 2u);
  EXPECT_NE(found->skipped[0].find("step_00000030/optimizer.safetensors"), std::string::npos);
  EXPECT_NE(found->skipped[1].find("999 bytes"), std::string::npos);
}

TEST_F(FolderTest, NoIntactCheckpointIsDataLossAndNoneAtAllIsNotFound) {
  EXPECT_EQ(FindNewestIntact(folder_).status().code(), absl::StatusCode::kNotFound);
  Save(1);
  fs::remove(File(1, kStateFile));
  EXPECT_EQ(FindNewestIntact(folder_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FolderTest, PruningKeepsTheNewestAndWhatTheLinksName) {
  for (int64_t step : {1, 2, 3, 4, 5}) Save(step);
  ASSERT_TRUE(PointTo(folder_, "best", CheckpointName(2)).ok());
  ASSERT_TRUE(PointTo(folder_, "latest", CheckpointName(4)).ok());
  ASSERT_TRUE(PointTo(folder_, "latest", CheckpointName(5)).ok());
  ASSERT_TRUE(PruneCheckpoints(folder_, 2).ok());
  std::vector<int64_t> steps;
  for (const auto& entry : ListCheckpoints(folder_)) steps.push_back(entry.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{5, 4, 2}));
  EXPECT_EQ(FindCheckpoint(run_, "best")->state.step, 2);
  EXPECT_TRUE(fs::exists(folder_ + "/latest/" + kModelFile));
}

TEST_F(FolderTest, ADamagedBestFallsBackToTheNewestAndSaysSo) {
  for (int64_t step : {1, 2}) Save(step);
  ASSERT_TRUE(PointTo(folder_, "best", CheckpointName(1)).ok());
  FlipByte(File(1, kModelFile), 3);
  const auto found = FindCheckpoint(run_, "best");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->state.step, 2);
  EXPECT_EQ(found->skipped.size(), 1u);
}

TEST_F(FolderTest, SavingOverADamagedCheckpointOfTheSameStepReplacesIt) {
  Save(7);
  FlipByte(File(7, kModelFile), 3);
  EXPECT_FALSE(VerifyCheckpoint(folder_ + "/" + CheckpointName(7)).ok());
  Save(7);
  EXPECT_TRUE(VerifyCheckpoint(folder_ + "/" + CheckpointName(7)).ok());
}

TEST_F(FolderTest, ASaveInProgressIsNotSeen) {
  const auto saving = AtomicFolder::Create(folder_ + "/" + CheckpointName(9));
  Write((*saving)->aside() + "/" + kStateFile, "{");
  EXPECT_TRUE(ListCheckpoints(folder_).empty());
}

TEST_F(FolderTest, PathsMayNameACheckpointOrARunFolder) {
  for (const char* which : {"best", "latest"}) {
    EXPECT_EQ(FindCheckpoint(run_, which).status().code(), absl::StatusCode::kDataLoss) << which;
  }
  Save(3);
  Save(6);
  EXPECT_EQ(FindCheckpoint(run_, CheckpointName(3))->state.step, 3);
  EXPECT_EQ(FindCheckpoint("elsewhere", run_)->state.step, 6);
  EXPECT_EQ(FindCheckpoint("elsewhere", folder_ + "/" + CheckpointName(3))->state.step, 3);
  EXPECT_EQ(FindCheckpoint(run_, "bset").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace slimreel
