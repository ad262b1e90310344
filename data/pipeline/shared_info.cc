#include "data/pipeline/shared_info.h"

#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

std::string InfoPath(const SplitId& id) {
  return absl::StrCat(id.folder, "/", DatasetInfoFileName(id.part, id.num_parts));
}

// The same split, not divided.
SplitId WholeOf(SplitId id) {
  id.part = id.num_parts = 0;
  return id;
}

// nullopt if there is no such file.
absl::StatusOr<std::optional<DatasetInfo>> ReadPublished(const SplitId& id) {
  absl::StatusOr<DatasetInfo> info = ReadDatasetInfoFile(InfoPath(id));
  if (absl::IsNotFound(info.status())) return std::nullopt;
  SLIMREEL_RETURN_IF_ERROR(info.status());
  return *std::move(info);
}

// By the name of the split.
using SplitInfos = std::map<std::string, DatasetInfo>;

absl::StatusOr<SplitInfos> PublishedInfos(const SplitId& id) {
  std::vector<SplitId> files{id};
  if (id.part > 0) files.push_back(WholeOf(id));
  SplitInfos infos;
  for (const SplitId& file : files) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> published, ReadPublished(file));
    if (!published) continue;
    for (const auto& [split, counts] : published->splits) {
      if (split != id.split) infos.emplace(split, *published);
    }
  }
  return infos;
}

OtherSplits SettingsOf(const SplitInfos& infos) {
  OtherSplits others;
  for (const auto& [split, info] : infos) {
    if (others.names.empty()) {
      others.preparation = info.preparation;
      others.fingerprint = info.fingerprint;
    }
    if (others.classes.empty()) others.classes = info.classes;
    others.names.push_back(split);
  }
  return others;
}

bool HaveSameSettings(const DatasetInfo& a, const DatasetInfo& b) {
  return a.classes == b.classes && a.fingerprint == b.fingerprint;
}

// Writes the dataset file; removes it if it lists no split.
absl::Status WriteOrRemove(const SplitId& id, const DatasetInfo& info) {
  if (!info.splits.empty() || !info.unfinished.empty())
    return WriteDatasetInfo(id.folder, info, id.part, id.num_parts);
  if (std::remove(InfoPath(id).c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return SystemError(errno, "remove", InfoPath(id));
}

// The caller holds the lock of this file.
absl::Status RemoveFromFile(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(std::optional<DatasetInfo> published, ReadPublished(id));
  if (!published) return absl::OkStatus();
  if (published->splits.erase(id.split) + published->unfinished.erase(id.split) == 0) {
    return absl::OkStatus();
  }
  return WriteOrRemove(id, *published);
}

// True if another process is preparing `split` with the settings of `info`: it will replace what
// is listed of the split.
absl::StatusOr<bool> IsBeingPreparedAlike(const SplitId& id, const std::string& split,
                                          const DatasetInfo& info) {
  SplitId other = id;
  other.split = split;
  const std::string lock = SplitLockPath(other);
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<std::string> note, FileLock::NoteOfHolder(lock));
  if (!note) return false;
  const absl::StatusOr<DatasetInfo> claim = ParseDatasetInfo(*note, lock);
  return claim.ok() && HaveSameSettings(*claim, info);
}

// For other splits that have other classes or options: marks them unfinished if a process is
// preparing them again, else returns an error.
absl::Status MarkConflictsUnfinished(const SplitId& id, const DatasetInfo& info,
                                     DatasetInfo* updated) {
  const std::map<std::string, SplitCounts> others = updated->splits;
  for (const auto& [split, counts] : others) {
    SLIMREEL_ASSIGN_OR_RETURN(const bool being_prepared, IsBeingPreparedAlike(id, split, info));
    if (!being_prepared) {
      return absl::FailedPreconditionError(
          absl::StrCat(InfoPath(id), ": another process wrote its split ", split,
                       " with other classes or options while ", id.split,
                       " was being prepared; run again, or use another --output"));
    }
    updated->splits.erase(split);
    updated->unfinished.insert(split);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(const SplitId& id,
                                                          const std::function<bool()>& stopped) {
  if (absl::Status made = MakeFolders(id.folder); !made.ok()) {
    // Any error here means that the folder is not writable.
    return WithExitCode(std::move(made), ExitCode::kInternal);
  }
  return LockDatasetInfoFile(id.folder, id.part, id.num_parts, stopped);
}

absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(const SplitInfos infos, PublishedInfos(id));
  return SettingsOf(infos);
}

absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(SplitInfos infos, PublishedInfos(id));
  for (const char* split : {"train", "val", "test"}) {
    if (split == id.split) continue;
    SplitId other = id;
    other.split = split;
    const std::string lock = SplitLockPath(other);
    SLIMREEL_ASSIGN_OR_RETURN(const std::optional<std::string> note, FileLock::NoteOfHolder(lock));
    if (!note) continue;
    // A process that has not made its claim yet: only its published settings count.
    absl::StatusOr<DatasetInfo> claim = ParseDatasetInfo(*note, lock);
    if (claim.ok()) infos.insert_or_assign(split, *std::move(claim));
  }
  return SettingsOf(infos);
}

absl::Status ClaimSplit(const DatasetInfo& info, SplitFolder* folder) {
  DatasetInfo claim = info;
  claim.splits.clear();
  return folder->WriteClaim(FormatDatasetInfo(claim));
}

absl::StatusOr<bool> IsListed(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(std::vector<SplitId> places, OtherDivisions(id));
  places.push_back(id);
  places.push_back(WholeOf(id));
  for (const SplitId& place : places) {
    SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> info, ReadPublished(place));
    if (info && info->splits.count(id.split) > 0) return true;
  }
  return false;
}

absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const std::optional<SplitCounts>& counts,
                               const std::function<bool()>& stopped) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockDatasetInfo(id, stopped));
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> published, ReadPublished(id));
  DatasetInfo updated = info;
  if (published) {
    updated.splits = published->splits;
    updated.unfinished = published->unfinished;
  }
  updated.splits.erase(id.split);
  updated.unfinished.erase(id.split);
  // A split without labels takes the classes of the others.
  if (!updated.splits.empty() && updated.classes.empty()) updated.classes = published->classes;
  const bool other_classes =
      published && !published->classes.empty() && published->classes != updated.classes;
  const bool other_options = published && published->fingerprint != updated.fingerprint;
  if (other_classes || other_options) {
    SLIMREEL_RETURN_IF_ERROR(MarkConflictsUnfinished(id, info, &updated));
  }
  if (counts) {
    updated.splits[id.split] = *counts;
  } else {
    updated.unfinished.insert(id.split);
  }
  const bool changes = !published || published->splits != updated.splits ||
                       published->unfinished != updated.unfinished ||
                       !HaveSameSettings(*published, updated);
  // Held until the part's own file is written too: a join in between would read the old file.
  std::unique_ptr<FileLock> whole_lock;
  if (id.part > 0 && changes) {
    const SplitId whole = WholeOf(id);
    SLIMREEL_ASSIGN_OR_RETURN(whole_lock, LockDatasetInfo(whole, stopped));
    SLIMREEL_RETURN_IF_ERROR(RemoveFromFile(whole));
  }
  return WriteOrRemove(id, updated);
}

absl::Status RemoveSplitInfo(const SplitId& id, const std::function<bool()>& stopped) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockDatasetInfo(id, stopped));
  return RemoveFromFile(id);
}

}  // namespace slimreel
