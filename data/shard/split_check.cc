#include "data/shard/split_check.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_types.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Whether the log of a preparation is there. Every preparation (also of format 1) keeps it until it
// lists the split in dataset.json.
bool HasLog(const std::string& folder, const std::string& shard) {
  const std::string name = fs::path(shard).filename().string();
  const std::string log = absl::StrCat(".prepare-", name.substr(0, name.rfind('-')), ".jsonl");
  std::error_code ignored;
  return fs::exists(folder + "/" + log, ignored);
}

absl::Status Unfinished(const std::string& folder, const std::string& split, size_t shards) {
  return WithExitCode(
      absl::UnavailableError(absl::StrCat(
          folder, ": its split ", split, " is not completely prepared (", shards,
          shards == 1 ? " shard is" : " shards are",
          " here so far); run prepare again with the same input to go on; if it was divided, run "
          "every part")),
      ExitCode::kDataUnusable);
}

}  // namespace

absl::Status CheckSplitIsFinished(const std::string& folder, const std::string& split,
                                  const std::vector<std::string>& shards, const DatasetInfo* info) {
  // There is no file, or a handwritten one that only names classes. So there are no counts.
  if (info == nullptr || (info->splits.empty() && info->unfinished.empty())) {
    return HasLog(folder, shards.front()) ? Unfinished(folder, split, shards.size())
                                          : absl::OkStatus();
  }
  if (info->splits.count(split) == 0) return Unfinished(folder, split, shards.size());
  ShardName name;
  std::error_code ignored;
  if (!ParseShardName(fs::path(shards.front()).filename().string(), &name) || name.part == 0 ||
      info->format_version < 2 || fs::exists(folder + "/" + DatasetInfoFileName(), ignored)) {
    return absl::OkStatus();
  }
  return CheckPartInputs(folder, split, name.num_parts);
}

absl::Status CheckSplitCounts(const std::string& folder, const std::string& split,
                              const SplitCounts& found, const DatasetInfo& info) {
  const auto listed = info.splits.find(split);
  if (listed == info.splits.end()) return absl::OkStatus();
  const SplitCounts& counts = listed->second;
  if (counts.shards == found.shards && counts.samples == found.samples &&
      counts.frames == found.frames && counts.bytes == found.bytes) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(folder, ": dataset.json counts ", counts.shards, " shards with ", counts.samples,
                   " samples and ", counts.bytes, " bytes of split ", split, ", but ", found.shards,
                   " with ", found.samples, " samples and ", found.bytes,
                   " bytes are here; shards were added, lost or replaced. Run prepare again"));
}

}  // namespace slimreel
