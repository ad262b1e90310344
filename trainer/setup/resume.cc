#include "trainer/setup/resume.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"

namespace slimreel {

absl::StatusOr<std::optional<FoundCheckpoint>> FindStart(const std::string& resume,
                                                         const std::string& run_dir) {
  const std::string folder = absl::StrCat(run_dir, "/checkpoints");
  if (resume == "none") {
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
    LOG(WARNING) << reason << "; an older checkpoint is used";
  }
  return *std::move(found);
}

absl::Status SetAsideLaterCheckpoints(const std::string& run_dir, int64_t step) {
  namespace fs = std::filesystem;
  for (const CheckpointEntry& entry : ListCheckpoints(absl::StrCat(run_dir, "/checkpoints"))) {
    if (entry.step <= step) continue;
    const fs::path from(entry.path);
    const fs::path to =
        from.parent_path() / absl::StrCat("superseded_", CheckpointName(entry.step));
    std::error_code error;
    fs::remove_all(to, error);
    fs::rename(from, to, error);
    if (error) {
      return absl::InternalError(absl::StrCat("cannot rename ", entry.path, ": ", error.message()));
    }
    LOG(INFO) << entry.path << " is later than the checkpoint resumed from; it is now "
              << to.filename().string();
  }
  return absl::OkStatus();
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
