#include "trainer/checkpoint/folder.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "trainer/checkpoint/best.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// The newest readable state names the best, even if the tensors beside it are damaged. So these
// tensors, which may be large, are not read.
absl::StatusOr<FoundCheckpoint> FindBestOfNewest(const std::string& folder) {
  std::string lost;
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    const auto state = ReadState(entry.path);
    if (absl::IsDataLoss(state.status())) continue;
    if (!state.ok()) return state.status();
    SLIMREEL_ASSIGN_OR_RETURN(BestCheckpoint best, FindBest(folder, *state));
    lost = best.lost;
    if (!best.found) break;
    if (!lost.empty()) best.found->skipped.push_back(lost);
    return *std::move(best.found);
  }
  SLIMREEL_ASSIGN_OR_RETURN(FoundCheckpoint newest, FindNewestIntact(folder));
  if (!lost.empty()) newest.skipped.push_back(lost);
  return newest;
}

absl::Status AddBestOf(const std::string& folder, const TrainState& state,
                       std::set<std::string>* names) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::string name, NameOfBest(folder, state));
  names->insert(name);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FoundCheckpoint> FindNewestIntact(const std::string& folder) {
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  const auto entries = ListCheckpoints(folder);
  if (entries.empty()) return absl::NotFoundError(absl::StrCat("no checkpoint in ", folder));
  std::vector<std::string> skipped;
  for (const CheckpointEntry& entry : entries) {
    auto found = ReadVerified(entry.path);
    if (found.ok()) {
      found->skipped = std::move(skipped);
      return found;
    }
    if (!absl::IsDataLoss(found.status())) return found.status();
    skipped.emplace_back(found.status().message());
  }
  return absl::DataLossError(absl::StrCat(
      "no intact checkpoint in ", folder, ": ", absl::StrJoin(skipped, "; "),
      ". Give --resume=none and another --run to start anew, or restore a copy of a checkpoint"));
}

absl::StatusOr<FoundCheckpoint> FindCheckpoint(const std::string& run_dir,
                                               const std::string& which) {
  const std::string folder = absl::StrCat(run_dir, "/checkpoints");
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  if ((which == "latest" || which == "best") && ListCheckpoints(folder).empty()) {
    return absl::DataLossError(
        absl::StrCat("no checkpoint in ", folder, "; //trainer:train writes them there"));
  }
  if (which == "latest") return FindNewestIntact(folder);
  if (which == "best") return FindBestOfNewest(folder);
  std::error_code error;
  const std::string in_run = absl::StrCat(folder, "/", which);
  if (which.find('/') == std::string::npos &&
      fs::exists(absl::StrCat(in_run, "/", kStateFile), error)) {
    return ReadVerified(in_run);
  }
  if (fs::exists(absl::StrCat(which, "/", kStateFile), error)) return ReadVerified(which);
  if (fs::is_directory(absl::StrCat(which, "/checkpoints"), error)) {
    return FindNewestIntact(absl::StrCat(which, "/checkpoints"));
  }
  return absl::NotFoundError(absl::StrCat(
      which, " is no checkpoint: it holds neither ", kStateFile,
      " nor a folder checkpoints; allowed are best, latest, the name of a checkpoint of the run, "
      "a checkpoint's path or a run folder"));
}

absl::Status PruneCheckpoints(const std::string& folder, int64_t keep, const TrainState& state) {
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  std::set<std::string> best;
  SLIMREEL_RETURN_IF_ERROR(AddBestOf(folder, state, &best));
  std::vector<CheckpointEntry> leaving;
  int64_t kept = 0;
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    if (kept >= keep) {
      leaving.push_back(entry);
      continue;
    }
    const auto entry_state = ReadState(entry.path);
    if (entry_state.ok()) SLIMREEL_RETURN_IF_ERROR(AddBestOf(folder, *entry_state, &best));
    if (!entry_state.ok() && !IsFaultOfCheckpoint(entry_state.status()))
      return entry_state.status();
    // A run cannot go on from a damaged one, so it takes no place of another.
    if (!absl::IsDataLoss(entry_state.status())) ++kept;
  }
  for (const CheckpointEntry& entry : ListSuperseded(folder)) {
    const auto entry_state = ReadState(entry.path);
    if (entry_state.ok()) SLIMREEL_RETURN_IF_ERROR(AddBestOf(folder, *entry_state, &best));
    if (!entry_state.ok() && !IsFaultOfCheckpoint(entry_state.status()))
      return entry_state.status();
  }
  for (const CheckpointEntry& entry : leaving) {
    if (best.contains(fs::path(entry.path).filename().string())) continue;
    std::error_code error;
    fs::remove_all(entry.path, error);
    if (error) return SystemError(error.value(), "remove", entry.path);
  }
  return RemoveLeftovers(folder);
}

}  // namespace slimreel
