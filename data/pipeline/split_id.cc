#include "data/pipeline/split_id.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/file_lock.h"
#include "base/status_macros.h"
#include "data/shard/dataset_info.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_types.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

bool IsHeld(const std::string& lock) {
  const auto note = FileLock::NoteOfHolder(lock);
  return note.ok() && note->has_value();
}

// Adds the part that the file belongs to, if its division differs from that of `id`.
void AddDivision(const SplitId& id, const std::string& file_name, std::vector<SplitId>* others) {
  SplitId found = id;
  ShardName shard;
  // ".train-p03of16.lock": a running preparation that may have published nothing yet.
  const bool is_lock = absl::StartsWith(file_name, ".") && absl::EndsWith(file_name, ".lock");
  const std::string name =
      is_lock ? file_name.substr(1, file_name.size() - 6) + "-000000.tar" : file_name;
  if (ParseShardName(name, &shard) && shard.split == id.split) {
    found.part = shard.part;
    found.num_parts = shard.num_parts;
  } else if (const auto file = ParsePartFile(file_name);
             file && file->whole == DatasetInfoFileName()) {
    found.part = file->part;
    found.num_parts = file->num_parts;
    const auto info = ReadDatasetInfoFile(id.folder + "/" + file_name);
    if (!info.ok() || info->splits.count(id.split) + info->unfinished.count(id.split) == 0) return;
  }
  if (found.num_parts == id.num_parts) return;
  if (is_lock && !IsHeld(SplitLockPath(found))) return;
  const bool known = std::any_of(others->begin(), others->end(), [&](const SplitId& other) {
    return other.part == found.part && other.num_parts == found.num_parts;
  });
  if (!known) others->push_back(std::move(found));
}

}  // namespace

absl::Status RemovePath(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? SystemError(error.value(), "remove", path) : absl::OkStatus();
}

std::string SplitName(const SplitId& id) {
  const std::string name = FormatShardName({id.split, id.part, id.num_parts, 0});
  return name.substr(0, name.rfind('-'));
}

std::string SplitLockPath(const SplitId& id) {
  return absl::StrCat(id.folder, "/.", SplitName(id), ".lock");
}

std::string ReportPath(const SplitId& id) {
  const std::string part =
      id.part > 0 ? absl::StrFormat("-p%02dof%02d", id.part, id.num_parts) : "";
  const std::string split = id.split == "train" ? "" : absl::StrCat("-", id.split);
  return absl::StrCat(id.folder, "/prepare_report", split, part, ".jsonl");
}

std::string PrepareLogPath(const SplitId& id) {
  return absl::StrCat(id.folder, "/.prepare-", SplitName(id), ".jsonl");
}

std::string StagingFolder(const SplitId& id) {
  return absl::StrCat(id.folder, "/.next-", SplitName(id));
}

std::string ShardPath(const SplitId& id, const std::string& folder, int64_t number) {
  return absl::StrCat(folder, "/", FormatShardName({id.split, id.part, id.num_parts, number}));
}

std::string DivisionName(const SplitId& id) {
  return id.num_parts == 0 ? "whole" : absl::StrCat("in ", id.num_parts, " parts");
}

absl::StatusOr<std::vector<SplitId>> OtherDivisions(const SplitId& id) {
  std::vector<SplitId> others;
  std::error_code error;
  fs::directory_iterator entries(id.folder, error);
  if (error == std::errc::no_such_file_or_directory) return others;
  if (error) return SystemError(error.value(), "list", id.folder);
  for (const auto& entry : entries) AddDivision(id, entry.path().filename().string(), &others);
  return others;
}

absl::Status RemoveFilesOf(const SplitId& other) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock,
                            FileLock::Try(SplitLockPath(other)));
  if (lock == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(other.folder, ": another process is preparing ", SplitName(other),
                     "; wait for it to end, or stop it, before you replace its division"));
  }
  std::error_code error;
  fs::directory_iterator entries(other.folder, error);
  if (error) return SystemError(error.value(), "list", other.folder);
  for (const auto& entry : entries) {
    ShardName shard;
    const std::string path = entry.path().string();
    if (!ParseShardName(entry.path().filename().string(), &shard) || shard.split != other.split ||
        shard.part != other.part || shard.num_parts != other.num_parts) {
      continue;
    }
    for (const std::string& file : {IndexPathOf(path), path}) {
      SLIMREEL_RETURN_IF_ERROR(RemovePath(file));
    }
  }
  std::vector<std::string> files = {ReportPath(other), PrepareLogPath(other), StagingFolder(other)};
  if (other.part > 0) {
    files.push_back(absl::StrCat(other.folder, "/",
                                 PartInputsFileName(other.split, other.part, other.num_parts)));
  }
  for (const std::string& file : files) SLIMREEL_RETURN_IF_ERROR(RemovePath(file));
  return absl::OkStatus();
}

}  // namespace slimreel
