#include "trainer/checkpoint/folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "step_";

std::string LinkTarget(const std::string& folder, const std::string& link) {
  std::error_code error;
  return fs::read_symlink(absl::StrCat(folder, "/", link), error).string();
}

absl::StatusOr<FoundCheckpoint> Verified(const std::string& path) {
  auto state = VerifyCheckpoint(path);
  if (!state.ok()) return state.status();
  return FoundCheckpoint{.path = path, .state = *std::move(state), .skipped = {}};
}

}  // namespace

std::string CheckpointName(int64_t step) { return absl::StrFormat("%s%08d", kPrefix, step); }

std::vector<CheckpointEntry> ListCheckpoints(const std::string& folder) {
  std::vector<CheckpointEntry> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    int64_t step = 0;
    if (!absl::StartsWith(name, kPrefix)) continue;
    if (!absl::SimpleAtoi(name.substr(sizeof(kPrefix) - 1), &step)) continue;
    entries.push_back({.step = step, .path = entry.path().string()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.step > b.step; });
  return entries;
}

absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path) {
  const std::string state_path = absl::StrCat(path, "/", kStateFile);
  std::ifstream file(state_path, std::ios::binary);
  if (!file) return absl::DataLossError(absl::StrCat(state_path, " is missing or unreadable"));
  std::ostringstream text;
  text << file.rdbuf();
  auto state = StateFromJson(text.str(), state_path);
  if (!state.ok()) return state.status();
  for (const auto& [name, expected] : state->files) {
    const std::string file_path = absl::StrCat(path, "/", name);
    const auto actual = FingerprintFile(file_path);
    if (!actual.ok()) return absl::DataLossError(actual.status().message());
    if (*actual == expected) continue;
    return absl::DataLossError(
        actual->bytes != expected.bytes
            ? absl::StrCat(file_path, " has ", actual->bytes, " bytes, saved were ", expected.bytes)
            : absl::StrCat(file_path, " does not match the hash it was saved with"));
  }
  return state;
}

absl::StatusOr<FoundCheckpoint> FindNewestIntact(const std::string& folder) {
  const auto entries = ListCheckpoints(folder);
  if (entries.empty()) return absl::NotFoundError(absl::StrCat("no checkpoint in ", folder));
  std::vector<std::string> skipped;
  for (const CheckpointEntry& entry : entries) {
    auto found = Verified(entry.path);
    if (found.ok()) {
      found->skipped = std::move(skipped);
      return found;
    }
    skipped.emplace_back(found.status().message());
  }
  return absl::DataLossError(absl::StrCat(
      "no intact checkpoint in ", folder, ": ", absl::StrJoin(skipped, "; "),
      ". Give --resume=none and another --run to start anew, or put back a copy of a checkpoint"));
}

absl::StatusOr<FoundCheckpoint> FindCheckpoint(const std::string& run_dir,
                                               const std::string& which) {
  const std::string folder = absl::StrCat(run_dir, "/checkpoints");
  if ((which == "latest" || which == "best") && ListCheckpoints(folder).empty()) {
    return absl::DataLossError(
        absl::StrCat("no checkpoint in ", folder, "; //trainer:train writes them there"));
  }
  if (which == "latest") return FindNewestIntact(folder);
  if (which == "best") {
    const std::string name = LinkTarget(folder, "best");
    if (name.empty()) return FindNewestIntact(folder);
    auto best = Verified(absl::StrCat(folder, "/", name));
    if (best.ok()) return best;
    auto newest = FindNewestIntact(folder);
    if (newest.ok()) newest->skipped.emplace_back(best.status().message());
    return newest;
  }
  std::error_code error;
  const std::string in_run = absl::StrCat(folder, "/", which);
  if (which.find('/') == std::string::npos &&
      fs::exists(absl::StrCat(in_run, "/", kStateFile), error)) {
    return Verified(in_run);
  }
  if (fs::exists(absl::StrCat(which, "/", kStateFile), error)) return Verified(which);
  if (fs::is_directory(absl::StrCat(which, "/checkpoints"), error)) {
    return FindNewestIntact(absl::StrCat(which, "/checkpoints"));
  }
  return absl::NotFoundError(absl::StrCat(
      which, " is no checkpoint: it holds neither ", kStateFile,
      " nor a folder checkpoints; allowed are best, latest, the name of a checkpoint of the run, "
      "a checkpoint's path or a run folder"));
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

absl::Status PruneCheckpoints(const std::string& folder, int64_t keep) {
  const std::set<std::string> named = {LinkTarget(folder, "latest"), LinkTarget(folder, "best")};
  const auto entries = ListCheckpoints(folder);
  std::vector<fs::path> doomed;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<int64_t>(i) < keep) continue;
    if (named.count(CheckpointName(entries[i].step)) == 0) doomed.emplace_back(entries[i].path);
  }
  std::error_code error;
  for (const fs::path& path : doomed) {
    fs::remove_all(path, error);
    if (error) return SystemError(error.value(), "remove", path.string());
  }
  return RemoveLeftovers(folder);
}

}  // namespace slimreel
