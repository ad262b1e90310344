#include "data/shard/join_parts.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/shard/dataset_info.h"
#include "data/shard/part_inputs.h"
#include "data/shard/sum_parts.h"

namespace slimreel {
namespace {

// The parts of one file: part number -> path.
struct Parts {
  int num_parts = 0;
  std::map<int, std::string> paths;
};

// The parts of each joined file, by its name.
absl::StatusOr<std::map<std::string, Parts>> FindParts(const std::string& folder) {
  std::map<std::string, Parts> found;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) return SystemError(error.value(), "list", folder);
  for (const auto& entry : entries) {
    const std::optional<PartFile> file = ParsePartFile(entry.path().filename().string());
    if (!file) continue;
    const auto& [whole, part, num_parts] = *file;
    const bool is_report = whole.starts_with("prepare_report") && whole.ends_with(".jsonl");
    if (whole != DatasetInfoFileName() && !is_report) continue;
    Parts& parts = found[whole];
    if (parts.num_parts != 0 && parts.num_parts != num_parts) {
      return absl::FailedPreconditionError(
          absl::StrCat(folder, " has ", whole, " in ", parts.num_parts, " and in ", num_parts,
                       " parts; remove those of one division, and their shards"));
    }
    parts.num_parts = num_parts;
    parts.paths[part] = entry.path().string();
  }
  return found;
}

absl::Status CheckAllThere(const std::string& folder, const std::string& whole, const Parts& parts,
                           int num_parts) {
  std::vector<int> missing;
  for (int part = 1; part <= num_parts; ++part) {
    if (!parts.paths.contains(part)) missing.push_back(part);
  }
  if (missing.empty() && parts.num_parts == num_parts) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(folder, ": ", whole, " has ", num_parts, " parts, but there is no part ",
                   absl::StrJoin(missing, ", "), "; first run prepare with --part=i/", num_parts,
                   " for the missing parts"));
}

// Checks that the parts were given the same videos. Parts of format 1 have no lists to check.
absl::Status CheckInputs(const std::string& folder, const std::vector<std::string>& paths,
                         const DatasetInfo& whole) {
  for (const std::string& path : paths) {
    SLIMREEL_ASSIGN_OR_RETURN(const DatasetInfo info, ReadDatasetInfoFile(path));
    if (info.format_version < 2) return absl::OkStatus();
  }
  for (const auto& [split, counts] : whole.splits) {
    SLIMREEL_RETURN_IF_ERROR(CheckPartInputs(folder, split, static_cast<int>(paths.size())));
  }
  return absl::OkStatus();
}

absl::Status JoinInfo(const std::string& folder, const Parts& parts,
                      const std::function<bool()>& stopped) {
  const std::string path = absl::StrCat(folder, "/", DatasetInfoFileName());
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock,
                            LockDatasetInfoFile(folder, 0, 0, stopped));
  std::vector<std::string> paths;
  for (const auto& [part, part_path] : parts.paths) paths.push_back(part_path);
  SLIMREEL_ASSIGN_OR_RETURN(DatasetInfo whole, SumParts(paths));
  if (!whole.unfinished.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, ": not all parts of ", absl::StrJoin(whole.unfinished, ", "),
                     " are completely prepared; first run prepare again for the others"));
  }
  SLIMREEL_RETURN_IF_ERROR(CheckInputs(folder, paths, whole));
  if (auto earlier = ReadDatasetInfoFile(path); earlier.ok()) {
    for (const auto& [split, counts] : whole.splits) earlier->splits.erase(split);
    if (!earlier->splits.empty()) SLIMREEL_RETURN_IF_ERROR(AddPart(path, *earlier, &whole));
  } else if (!absl::IsNotFound(earlier.status())) {
    return earlier.status();
  }
  return WriteDatasetInfo(folder, whole);
}

// Concatenates the reports of the parts.
absl::Status JoinReport(const std::string& path, const Parts& parts) {
  std::string whole;
  for (const auto& [part, part_path] : parts.paths) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::string text, ReadFile(part_path));
    whole += text;
  }
  return WriteFileAtomically(path, whole);
}

}  // namespace

absl::StatusOr<JoinedParts> JoinParts(const std::string& folder,
                                      const std::function<bool()>& stopped) {
  SLIMREEL_ASSIGN_OR_RETURN(const auto found, FindParts(folder));
  const auto info = found.find(DatasetInfoFileName());
  if (info == found.end()) {
    return absl::NotFoundError(absl::StrCat(
        folder,
        " has no parts (files like dataset-p01of16.json); prepare --part=1/16 writes part 1"));
  }
  JoinedParts joined;
  joined.num_parts = info->second.num_parts;
  for (const auto& [whole, parts] : found) {
    SLIMREEL_RETURN_IF_ERROR(CheckAllThere(folder, whole, parts, joined.num_parts));
  }
  SLIMREEL_RETURN_IF_ERROR(JoinInfo(folder, info->second, stopped));
  joined.written.push_back(absl::StrCat(folder, "/", DatasetInfoFileName()));
  for (const auto& [whole, parts] : found) {
    if (whole == DatasetInfoFileName()) continue;
    joined.written.push_back(absl::StrCat(folder, "/", whole));
    SLIMREEL_RETURN_IF_ERROR(JoinReport(joined.written.back(), parts));
  }
  return joined;
}

}  // namespace slimreel
