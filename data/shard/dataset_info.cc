#include "data/shard/dataset_info.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_file.h"
#include "base/logging.h"
#include "data/shard/part_inputs.h"
#include "data/shard/sum_parts.h"

namespace slimreel {

std::string DatasetInfoFileName(int part, int num_parts) {
  if (part == 0) return "dataset.json";
  return absl::StrFormat("dataset-p%02dof%02d.json", part, num_parts);
}

std::string DatasetInfoLockPath(const std::string& folder, int part, int num_parts) {
  return absl::StrCat(folder, "/.", DatasetInfoFileName(part, num_parts), ".lock");
}

absl::StatusOr<std::unique_ptr<FileLock>> LockDatasetInfoFile(
    const std::string& folder, int part, int num_parts, const std::function<bool()>& stopped) {
  const auto on_wait = [&] {
    LOG(WARNING) << folder << ": another process is changing "
                 << DatasetInfoFileName(part, num_parts) << "; waiting for it to finish";
  };
  return FileLock::Wait(DatasetInfoLockPath(folder, part, num_parts), on_wait, stopped);
}

absl::Status WriteDatasetInfo(const std::string& folder, const DatasetInfo& info, int part,
                              int num_parts) {
  return WriteFileAtomically(absl::StrCat(folder, "/", DatasetInfoFileName(part, num_parts)),
                             FormatDatasetInfo(info));
}

absl::StatusOr<DatasetInfo> ReadDatasetInfo(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", DatasetInfoFileName());
  std::error_code error;
  if (std::filesystem::exists(path, error)) return ReadDatasetInfoFile(path);
  std::vector<std::string> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::optional<PartFile> file = ParsePartFile(name);
    if (file && file->whole == DatasetInfoFileName()) parts.push_back(entry.path());
  }
  if (parts.empty()) return absl::NotFoundError(absl::StrCat(folder, " has no dataset.json"));
  std::sort(parts.begin(), parts.end());
  return SumParts(parts);
}

}  // namespace slimreel
