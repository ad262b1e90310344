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

// The same split as one piece.
SplitId WholeOf(SplitId id) {
  id.part = id.num_parts = 0;
  return id;
}

// Nothing where there is no such file.
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

OtherSplits WhatIsFixedBy(const SplitInfos& infos) {
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

// What dataset.json is to say beside the counts of `id`, which is made as `info` says.
DatasetInfo WithoutSplit(const SplitId& id, const DatasetInfo& info,
                         const std::optional<DatasetInfo>& published) {
  DatasetInfo updated = info;
  updated.splits.clear();
  if (published) updated.splits = published->splits;
  updated.splits.erase(id.split);
  // A split without labels leaves the classes to others.
  if (!updated.splits.empty() && updated.classes.empty()) updated.classes = published->classes;
  return updated;
}

bool MadeAlike(const DatasetInfo& a, const DatasetInfo& b) {
  return a.classes == b.classes && a.fingerprint == b.fingerprint;
}

// The file goes with its last split.
absl::Status Publish(const SplitId& id, const DatasetInfo& info) {
  if (!info.splits.empty()) return WriteDatasetInfo(id.folder, info, id.part, id.num_parts);
  if (std::remove(InfoPath(id).c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return SystemError(errno, "remove", InfoPath(id));
}

// The caller holds the lock of this file.
absl::Status TakeOut(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(std::optional<DatasetInfo> published, ReadPublished(id));
  if (!published || published->splits.erase(id.split) == 0) return absl::OkStatus();
  return Publish(id, *published);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(const SplitId& id,
                                                          const std::function<bool()>& stopped) {
  if (absl::Status made = MakeFolders(id.folder); !made.ok()) {
    // Whatever the system calls it, the place is not writable.
    return WithExitCode(std::move(made), ExitCode::kInternal);
  }
  return LockDatasetInfoFile(id.folder, id.part, id.num_parts, stopped);
}

absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(const SplitInfos infos, PublishedInfos(id));
  return WhatIsFixedBy(infos);
}

absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(SplitInfos infos, PublishedInfos(id));
  for (const char* split : {"train", "val", "test"}) {
    if (split == id.split) continue;
    SplitId other = id;
    other.split = split;
    const std::string lock = SplitFolder::LockPath(other);
    SLIMREEL_ASSIGN_OR_RETURN(const std::optional<std::string> note, FileLock::NoteOfHolder(lock));
    if (!note) continue;
    // A holder that has claimed nothing yet fixes nothing but what it has published.
    absl::StatusOr<DatasetInfo> claim = ParseDatasetInfo(*note, lock);
    if (claim.ok()) infos.insert_or_assign(split, *std::move(claim));
  }
  return WhatIsFixedBy(infos);
}

absl::Status ClaimSplit(const SplitId& id, const DatasetInfo& info, SplitFolder* folder) {
  DatasetInfo claim = info;
  claim.splits.clear();
  SLIMREEL_RETURN_IF_ERROR(folder->WriteClaim(FormatDatasetInfo(claim)));
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> published, ReadPublished(id));
  if (!published || MadeAlike(*published, WithoutSplit(id, info, published))) {
    return absl::OkStatus();
  }
  return TakeOut(id);
}

absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const SplitCounts& counts, const std::function<bool()>& stopped) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockDatasetInfo(id, stopped));
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> published, ReadPublished(id));
  DatasetInfo updated = WithoutSplit(id, info, published);
  const bool other_classes =
      published && !published->classes.empty() && published->classes != updated.classes;
  const bool other_options = published && published->fingerprint != updated.fingerprint;
  if (!updated.splits.empty() && (other_classes || other_options)) {
    return absl::FailedPreconditionError(
        absl::StrCat(InfoPath(id), ": other splits were written with other ",
                     other_classes ? "classes" : "options", " while ", id.split,
                     " was prepared; run again, or prepare into another --output"));
  }
  if (counts.samples > 0) updated.splits[id.split] = counts;
  const bool changes = published
                           ? published->splits != updated.splits || !MadeAlike(*published, updated)
                           : !updated.splits.empty();
  if (id.part > 0 && changes) {
    const SplitId whole = WholeOf(id);
    SLIMREEL_ASSIGN_OR_RETURN(const auto whole_lock, LockDatasetInfo(whole, stopped));
    SLIMREEL_RETURN_IF_ERROR(TakeOut(whole));
  }
  return Publish(id, updated);
}

}  // namespace slimreel
