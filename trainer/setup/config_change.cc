#include "trainer/setup/config_change.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// The checkpoint's; one of an earlier version has none, and then it is the run's.
fs::path SavedConfig(const FoundCheckpoint& start) {
  // Canonical, because a path that ends in a slash has one part more.
  const fs::path checkpoint = fs::weakly_canonical(start.path);
  const fs::path own = checkpoint / kConfigFile;
  return start.state.files.contains(kConfigFile)
             ? own
             : checkpoint.parent_path().parent_path() / "config.yaml";
}

}  // namespace

absl::StatusOr<ConfigChanges> CompareWithCheckpoint(const Config& config,
                                                    const FoundCheckpoint& start,
                                                    bool allow_change) {
  ConfigChanges changes;
  const fs::path saved = SavedConfig(start);
  if (!fs::exists(saved)) {
    LOG(WARNING) << saved.string() << " is missing: whether the configuration changed is not known";
    return changes;
  }
  SLIMREEL_ASSIGN_OR_RETURN(const Config before, LoadConfig(saved.string(), {}));
  std::vector<std::string> of_result;
  for (const ConfigDifference& difference : DiffConfigs(before, config)) {
    const std::string line =
        absl::StrCat(difference.key, ": ", difference.before, " -> ", difference.after);
    LOG(WARNING) << "changed since the checkpoint: " << line
                 << (difference.changes_result ? " (changes what is learnt)" : "");
    changes.lines.push_back(line);
    if (difference.changes_result) of_result.push_back(line);
  }
  changes.changes_result = !of_result.empty();
  if (!changes.changes_result || allow_change) return changes;
  return absl::InvalidArgumentError(absl::StrCat(
      "the configuration differs from ", saved.string(),
      " in what is learnt: ", absl::StrJoin(of_result, "; "),
      ". Put the values back, choose another --run, or give --allow_config_change to go on with "
      "the new ones"));
}

}  // namespace slimreel
