#include "trainer/checkpoint/best.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// The run's own before those that were set aside: the same weights may lie under both names.
std::vector<CheckpointEntry> AllCheckpoints(const std::string& folder) {
  std::vector<CheckpointEntry> entries = ListCheckpoints(folder);
  for (CheckpointEntry& entry : ListSuperseded(folder)) entries.push_back(std::move(entry));
  return entries;
}

bool CallsItselfBest(const TrainState& state) { return state.best_step == state.step; }

// Why no checkpoint is what `state` names: that of its name may be unreadable.
std::string WhyNotThere(const std::string& folder, const TrainState& state) {
  const std::string path = absl::StrCat(folder, "/", CheckpointName(state.best_step));
  std::error_code error;
  if (fs::exists(path, error)) {
    const auto named = ReadState(path);
    if (!named.ok()) return std::string(named.status().message());
  }
  return absl::StrCat("it is not in ", folder);
}

}  // namespace

bool IsBestOf(const TrainState& candidate, const TrainState& state) {
  if (state.best_step < 0 || candidate.step != state.best_step) return false;
  if (state.best_model != FileFingerprint()) {
    const auto model = candidate.files.find(kModelFile);
    return model != candidate.files.end() && model->second == state.best_model;
  }
  return CallsItselfBest(candidate) && candidate.best_metric == state.best_metric &&
         candidate.best_value == state.best_value;
}

std::string NameOfBest(const std::string& folder, const TrainState& state) {
  if (state.best_step < 0) return "";
  for (const CheckpointEntry& entry : AllCheckpoints(folder)) {
    const auto candidate = ReadState(entry.path);
    if (!candidate.ok() || !IsBestOf(*candidate, state)) continue;
    return fs::path(entry.path).filename().string();
  }
  return "";
}

BestCheckpoint FindBest(const std::string& folder, const TrainState& state) {
  BestCheckpoint best;
  if (state.best_step < 0) return best;
  for (const CheckpointEntry& entry : AllCheckpoints(folder)) {
    const auto candidate = ReadState(entry.path);
    if (!candidate.ok() || !IsBestOf(*candidate, state)) continue;
    auto verified = Verified(entry.path);
    if (verified.ok()) return {.found = *std::move(verified), .lost = ""};
    best.lost = std::string(verified.status().message());
  }
  if (best.lost.empty()) best.lost = WhyNotThere(folder, state);
  best.lost = absl::StrCat("the best checkpoint (", DescribeBest(state), ") is lost: ", best.lost);
  // Newest first, so the first one is the best of them.
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    if (entry.step > state.step) continue;
    const auto candidate = ReadState(entry.path);
    if (!candidate.ok() || !CallsItselfBest(*candidate)) continue;
    if (candidate->best_metric != state.best_metric) continue;
    auto verified = Verified(entry.path);
    if (!verified.ok()) continue;
    best.found = *std::move(verified);
    return best;
  }
  return best;
}

std::string DescribeBest(const TrainState& state) {
  return absl::StrCat(state.best_metric, " ", state.best_value, " at step ", state.best_step);
}

absl::Status PointTo(const std::string& folder, const std::string& link, const std::string& name) {
  const std::string path = absl::StrCat(folder, "/", link);
  const std::string aside = absl::StrCat(folder, "/.", link, ".aside");
  std::error_code error;
  fs::remove(aside, error);
  fs::create_symlink(name, aside, error);
  if (!error) fs::rename(aside, path, error);
  return error ? SystemError(error.value(), "write", path) : absl::OkStatus();
}

absl::Status PointLinks(const std::string& folder) {
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    const auto state = ReadState(entry.path);
    if (!state.ok()) continue;  // a resumed run passes it over as well
    const absl::Status latest = PointTo(folder, "latest", fs::path(entry.path).filename().string());
    if (!latest.ok()) return latest;
    const std::string best = NameOfBest(folder, *state);
    if (!best.empty()) return PointTo(folder, "best", best);
    std::error_code error;
    const std::string link = absl::StrCat(folder, "/best");
    fs::remove(link, error);
    return error ? SystemError(error.value(), "remove", link) : absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace slimreel
