// Checkpoint folders for tests: tensor files of a few bytes with a real state.json.
#ifndef TRAINER_CHECKPOINT_CHECKPOINT_FILES_H_
#define TRAINER_CHECKPOINT_CHECKPOINT_FILES_H_

#include <xxhash.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "gtest/gtest.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline void FlipByte(const std::string& path, int64_t position) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(position);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(position);
  file.put(flipped);
}

// The document with a matching hash.
inline std::string WithHash(nlohmann::json json) {
  json.erase("hash");
  const std::string text = json.dump();
  json["hash"] = absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
  return json.dump();
}

// A new run folder for the running test, with an empty folder `checkpoints`.
inline std::string FreshRunFolder(const std::string& name = "run") {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string run = ::testing::TempDir() + "/" + info->name() + "/" + name;
  std::filesystem::remove_all(run);
  std::filesystem::create_directories(run + "/checkpoints");
  return run;
}

// Publishes `state` under `folder` as a save does; `weights` stands for the tensors. If the step is
// its own best, the fingerprint is filled in. Returns the state as stored.
inline TrainState PublishState(const std::string& folder, TrainState state,
                               const std::string& weights) {
  auto published = AtomicFolder::Create(folder + "/" + CheckpointName(state.step));
  EXPECT_TRUE(published.ok()) << published.status();
  const std::string aside = (*published)->aside();
  for (const char* name : {kModelFile, kOptimizerFile}) {
    WriteText(aside + "/" + name, weights + name);
    state.files[name] = *FingerprintFile(aside + "/" + name);
  }
  if (state.best_step == state.step) state.best_model = state.files[kModelFile];
  WriteText(aside + "/" + kStateFile, StateToJson(state));
  EXPECT_TRUE((*published)->Commit().ok());
  return state;
}

// A run with an evaluation before each save. Each save continues the state of the one before.
class FakeRun {
 public:
  explicit FakeRun(std::string run, std::string history = "a")
      : run_(std::move(run)), history_(std::move(history)) {}

  // Saves `step`. It is the best so far if `value` is higher than all before.
  void Save(int64_t step, double value) {
    state_.step = step;
    state_.files.clear();
    if (state_.best_step < 0 || value > state_.best_value) {
      state_.best_metric = "top1";
      state_.best_value = value;
      state_.best_step = step;
    }
    state_ = PublishState(folder(), state_, history_ + std::to_string(step));
  }

  // Starts another history, as a run does that goes back to `state`.
  void GoOnFrom(const TrainState& state, const std::string& history) {
    state_ = state;
    history_ = history;
  }

  const std::string& run() const { return run_; }
  std::string folder() const { return run_ + "/checkpoints"; }
  std::string path(int64_t step) const { return folder() + "/" + CheckpointName(step); }
  const TrainState& state() const { return state_; }

 private:
  std::string run_;
  std::string history_;
  TrainState state_;
};

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_CHECKPOINT_FILES_H_
