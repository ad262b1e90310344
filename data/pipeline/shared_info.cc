#include "data/pipeline/shared_info.h"

#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

std::string InfoPath(const SplitId& id) {
  return absl::StrCat(id.folder, "/", DatasetInfoFileName(id.part, id.num_parts));
}

// Nothing where there is no such file.
absl::StatusOr<std::optional<DatasetInfo>> ReadPublished(const SplitId& id) {
  absl::StatusOr<DatasetInfo> info = ReadDatasetInfoFile(InfoPath(id));
  if (absl::IsNotFound(info.status())) return std::nullopt;
  SLIMREEL_RETURN_IF_ERROR(info.status());
  return *std::move(info);
}

void Add(const std::string& split, const DatasetInfo& info, OtherSplits* others) {
  if (others->names.empty()) {
    others->classes = info.classes;
    others->preparation = info.preparation;
    others->fingerprint = info.fingerprint;
  }
  if (!absl::c_linear_search(others->names, split)) others->names.push_back(split);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfo(const SplitId& id) {
  if (absl::Status made = MakeFolders(id.folder); !made.ok()) {
    // Whatever the system calls it, the place is not writable.
    return WithExitCode(std::move(made), ExitCode::kInternal);
  }
  const std::string name = DatasetInfoFileName(id.part, id.num_parts);
  return FileLock::Wait(absl::StrCat(id.folder, "/.", name, ".lock"), [&] {
    LOG(WARNING) << id.folder << ": another preparation has " << name
                 << " in its hands; waiting for it to be done with it";
  });
}

absl::StatusOr<OtherSplits> PublishedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> info, ReadPublished(id));
  OtherSplits others;
  if (!info) return others;
  for (const auto& [split, counts] : info->splits) {
    if (split != id.split) Add(split, *info, &others);
  }
  return others;
}

absl::StatusOr<OtherSplits> PublishedAndClaimedOtherSplits(const SplitId& id) {
  SLIMREEL_ASSIGN_OR_RETURN(OtherSplits others, PublishedOtherSplits(id));
  for (const char* split : {"train", "val", "test"}) {
    if (split == id.split) continue;
    SplitId other = id;
    other.split = split;
    const std::string lock = SplitFolder::LockPath(other);
    const std::optional<std::string> note = FileLock::NoteOfHolder(lock);
    if (!note) continue;
    // A holder without a claim that can be read fixes nothing yet.
    const absl::StatusOr<DatasetInfo> claim = ParseDatasetInfo(*note, lock);
    if (claim.ok()) Add(split, *claim, &others);
  }
  return others;
}

std::string ClaimOf(const DatasetInfo& info) {
  DatasetInfo claim = info;
  claim.splits.clear();
  return FormatDatasetInfo(claim);
}

absl::Status UpdateDatasetInfo(const SplitId& id, const DatasetInfo& info,
                               const SplitCounts& counts) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockDatasetInfo(id));
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<DatasetInfo> published, ReadPublished(id));
  DatasetInfo updated = info;
  updated.splits.clear();
  if (published) updated.splits = published->splits;
  updated.splits.erase(id.split);
  if (!updated.splits.empty() &&
      (published->classes != info.classes || published->fingerprint != info.fingerprint)) {
    return absl::FailedPreconditionError(absl::StrCat(
        InfoPath(id), ": other splits were written with other classes or options while ", id.split,
        " was prepared; run again, or prepare into another --output"));
  }
  if (counts.samples > 0) updated.splits[id.split] = counts;
  if (!updated.splits.empty()) {
    return WriteDatasetInfo(id.folder, updated, id.part, id.num_parts);
  }
  if (published && std::remove(InfoPath(id).c_str()) != 0) {
    return SystemError(errno, "remove", InfoPath(id));
  }
  return absl::OkStatus();
}

}  // namespace slimreel
