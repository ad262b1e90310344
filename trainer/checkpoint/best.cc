#include "trainer/checkpoint/best.h"

#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// The run's own checkpoints come before the superseded ones: both may hold the same weights.
std::vector<CheckpointEntry> AllCheckpoints(const std::string& folder) {
  std::vector<CheckpointEntry> entries = ListCheckpoints(folder);
  for (CheckpointEntry& entry : ListSuperseded(folder)) entries.push_back(std::move(entry));
  return entries;
}

// Whether the entry's state is `wanted`. False if the state is damaged or another version's.
absl::StatusOr<bool> StateIs(const CheckpointEntry& entry,
                             const std::function<bool(const TrainState&)>& wanted) {
  const auto candidate = ReadState(entry.path);
  if (candidate.ok()) return wanted(*candidate);
  if (!IsFaultOfCheckpoint(candidate.status())) return candidate.status();
  return false;
}

bool CallsItselfBest(const TrainState& state) { return state.best_step == state.step; }

// Why no checkpoint is the best that `state` names. The one with its name may be damaged.
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

absl::StatusOr<std::string> NameOfBest(const std::string& folder, const TrainState& state) {
  if (state.best_step < 0) return "";
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  const auto is_best = [&](const TrainState& candidate) { return IsBestOf(candidate, state); };
  for (const CheckpointEntry& entry : AllCheckpoints(folder)) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool found, StateIs(entry, is_best));
    if (found) return fs::path(entry.path).filename().string();
  }
  return "";
}

absl::StatusOr<BestCheckpoint> FindBest(const std::string& folder, const TrainState& state) {
  BestCheckpoint best;
  if (state.best_step < 0) return best;
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  const auto is_best = [&](const TrainState& candidate) { return IsBestOf(candidate, state); };
  for (const CheckpointEntry& entry : AllCheckpoints(folder)) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool named, StateIs(entry, is_best));
    if (!named) continue;
    auto verified = ReadVerified(entry.path);
    if (verified.ok()) return BestCheckpoint{.found = *std::move(verified), .lost = ""};
    if (!IsFaultOfCheckpoint(verified.status())) return verified.status();
    best.lost = std::string(verified.status().message());
  }
  if (best.lost.empty()) best.lost = WhyNotThere(folder, state);
  best.lost = absl::StrCat("the best checkpoint (", DescribeBest(state), ") is lost: ", best.lost);
  // The entries are newest first, so the first one that was the best is the best of them.
  const auto was_best = [&](const TrainState& candidate) {
    return CallsItselfBest(candidate) && candidate.best_metric == state.best_metric;
  };
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    if (entry.step > state.step) continue;
    SLIMREEL_ASSIGN_OR_RETURN(const bool next, StateIs(entry, was_best));
    if (!next) continue;
    auto verified = ReadVerified(entry.path);
    if (!verified.ok() && !IsFaultOfCheckpoint(verified.status())) return verified.status();
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
    if (!state.ok() && !IsFaultOfCheckpoint(state.status())) return state.status();
    if (!state.ok()) continue;  // a resumed run skips it as well
    const absl::Status latest = PointTo(folder, "latest", fs::path(entry.path).filename().string());
    if (!latest.ok()) return latest;
    SLIMREEL_ASSIGN_OR_RETURN(const std::string best, NameOfBest(folder, *state));
    if (!best.empty()) return PointTo(folder, "best", best);
    std::error_code error;
    const std::string link = absl::StrCat(folder, "/best");
    fs::remove(link, error);
    return error ? SystemError(error.value(), "remove", link) : absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace slimreel
