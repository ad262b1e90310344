#include "trainer/setup/resume.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "trainer/checkpoint/best.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Resolves links, so that parents can be compared.
fs::path CanonicalPath(const fs::path& path) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  return error ? path : canonical;
}

absl::Status Rename(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? SystemError(error.value(), "rename", from.string()) : absl::OkStatus();
}

bool IsListed(const fs::path& path, const std::vector<CheckpointEntry>& entries) {
  return absl::c_any_of(entries, [&](const CheckpointEntry& entry) {
    return fs::path(entry.path).filename() == path.filename();
  });
}

absl::Status SetAside(const std::string& folder, const CheckpointEntry& entry) {
  const std::string name = FreeSupersededName(folder, entry.step);
  SLIMREEL_RETURN_IF_ERROR(Rename(entry.path, fs::path(folder) / name));
  LOG(INFO) << entry.path << " is not the run's start; it is now " << name;
  return absl::OkStatus();
}

absl::Status Copy(const fs::path& from, const fs::path& to) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFolder> copy,
                            AtomicFolder::Create(to.string()));
  std::error_code error;
  fs::copy(from, copy->aside(), fs::copy_options::recursive, error);
  if (error) return SystemError(error.value(), "copy", from.string());
  return copy->Commit();
}

// Makes `from` checkpoint `step` of `folder`. A checkpoint that already has the name is set aside.
absl::Status Bring(const fs::path& from, int64_t step, const std::string& folder) {
  const fs::path to = fs::path(folder) / CheckpointName(step);
  std::error_code error;
  if (fs::exists(to, error)) SLIMREEL_RETURN_IF_ERROR(SetAside(folder, {step, to.string()}));
  const bool superseded =
      from.parent_path() == CanonicalPath(folder) && IsListed(from, ListSuperseded(folder));
  LOG(INFO) << from.string() << (superseded ? " is now " : " is now also ") << to.string();
  return superseded ? Rename(from, to) : Copy(from, to);
}

// `state` is that of the checkpoint `start` of another folder. Its best is copied before `start`
// is, so that a process that is killed in between leaves no start without its best. The copy gets a
// superseded name, so that the run of `folder` does not go on from it.
absl::Status CopyBest(const fs::path& start, const TrainState& state, const std::string& folder) {
  SLIMREEL_ASSIGN_OR_RETURN(const BestCheckpoint here, FindBest(folder, state));
  if (here.found && here.lost.empty()) return absl::OkStatus();
  SLIMREEL_ASSIGN_OR_RETURN(const BestCheckpoint best,
                            FindBest(start.parent_path().string(), state));
  if (!best.found || best.found->state.step == state.step) return absl::OkStatus();
  const fs::path to = fs::path(folder) / FreeSupersededName(folder, best.found->state.step);
  LOG(INFO) << best.found->path << ", the best so far, is now also " << to.string();
  return Copy(best.found->path, to);
}

}  // namespace

absl::StatusOr<std::optional<FoundCheckpoint>> FindStart(const std::string& resume,
                                                         const std::string& run_dir) {
  const std::string folder = absl::StrCat(run_dir, "/checkpoints");
  if (resume == "none") {
    SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
    if (ListCheckpoints(folder).empty()) return std::nullopt;
    return absl::InvalidArgumentError(
        absl::StrCat("--resume=none, but ", folder,
                     " holds checkpoints of an earlier run; choose another --run, or move that "
                     "folder away"));
  }
  auto found = resume == "auto" ? FindNewestIntact(folder) : FindCheckpoint(run_dir, resume);
  if (resume == "auto" && absl::IsNotFound(found.status())) return std::nullopt;
  if (absl::IsNotFound(found.status())) {
    return absl::NotFoundError(
        absl::StrCat(found.status().message(), "; --resume also takes auto and none"));
  }
  if (!found.ok()) return found.status();
  for (const std::string& reason : found->skipped) {
    LOG(WARNING) << reason << "; " << found->path << " is used";
  }
  return *std::move(found);
}

absl::Status SettleBest(FoundCheckpoint* start) {
  TrainState& state = start->state;
  if (state.best_step < 0) return absl::OkStatus();
  BestCheckpoint best;
  if (IsBestOf(state, state)) {
    best.found = *start;  // already verified
  } else {
    SLIMREEL_ASSIGN_OR_RETURN(best,
                              FindBest(CanonicalPath(start->path).parent_path().string(), state));
  }
  if (best.found) {
    const TrainState& of_best = best.found->state;
    state.best_value = of_best.best_value;
    state.best_step = of_best.step;
    const auto model = of_best.files.find(kModelFile);
    if (model != of_best.files.end()) state.best_model = model->second;
  } else {
    state.best_metric.clear();
    state.best_value = 0.0;
    state.best_step = -1;
    state.best_model = {};
  }
  if (best.lost.empty()) return absl::OkStatus();
  const std::string line =
      absl::StrCat(best.lost, best.found ? absl::StrCat("; the best is now ", DescribeBest(state))
                                         : "; the next evaluation names a new one");
  LOG(WARNING) << line;
  state.changes.push_back(absl::StrCat("step ", state.step, ": ", line));
  return absl::OkStatus();
}

absl::Status MakeNewest(const std::string& run_dir, const FoundCheckpoint& start) {
  const std::string folder = absl::StrCat(run_dir, "/checkpoints");
  SLIMREEL_RETURN_IF_ERROR(MakeFolders(folder));
  SLIMREEL_RETURN_IF_ERROR(CheckListable(folder));
  const fs::path from = CanonicalPath(start.path);
  const bool in_folder = from.parent_path() == CanonicalPath(folder);
  const bool of_run = in_folder && IsListed(from, ListCheckpoints(folder));
  const std::string own = of_run ? from.filename().string() : CheckpointName(start.state.step);
  if (!in_folder) SLIMREEL_RETURN_IF_ERROR(CopyBest(from, start.state, folder));
  if (!of_run) SLIMREEL_RETURN_IF_ERROR(Bring(from, start.state.step, folder));
  for (const CheckpointEntry& entry : ListCheckpoints(folder)) {
    const bool before = of_run && entry.step < start.state.step;
    if (before || fs::path(entry.path).filename() == own) continue;
    SLIMREEL_RETURN_IF_ERROR(SetAside(folder, entry));
  }
  return PointLinks(folder);
}

std::string HowToGoOn(const std::string& resume) {
  if (resume == "auto") return "the same command goes on from there";
  return "run again with --resume=auto, not with the --resume of this run, to go on from there";
}

std::string EnvironmentDifference(const RunEnvironment& saved, const RunEnvironment& here) {
  std::vector<std::string> differences;
  const auto compare = [&](const char* what, const auto& then, const auto& now) {
    if (then != now) differences.push_back(absl::StrCat(what, " ", then, " -> ", now));
  };
  compare("threads", saved.threads, here.threads);
  compare("instruction set", saved.instruction_set, here.instruction_set);
  compare("LibTorch", saved.torch_version, here.torch_version);
  compare("device", saved.device, here.device);
  return absl::StrJoin(differences, ", ");
}

}  // namespace slimreel
