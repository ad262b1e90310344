#include "trainer/setup/config_change.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"

namespace slimreel {

std::string SavedConfigPath(const FoundCheckpoint& start) {
  // Canonical, because a trailing slash would add a part to the path.
  const std::filesystem::path checkpoint = std::filesystem::weakly_canonical(start.path);
  return start.state.files.contains(kConfigFile)
             ? checkpoint / kConfigFile
             : checkpoint.parent_path().parent_path() / "config.yaml";
}

absl::StatusOr<ConfigChanges> CompareWithCheckpoint(const Config& config,
                                                    const FoundCheckpoint& start,
                                                    bool allow_change) {
  ConfigChanges changes;
  const std::string saved = SavedConfigPath(start);
  if (!std::filesystem::exists(saved)) {
    LOG(WARNING) << saved << " is missing, so it is not known whether the configuration changed";
    return changes;
  }
  SLIMREEL_ASSIGN_OR_RETURN(changes.before, LoadConfig(saved, {}));
  std::vector<std::string> of_result;
  for (const ConfigDifference& difference : DiffConfigs(*changes.before, config)) {
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
      "the configuration differs from ", saved,
      " in what is learnt: ", absl::StrJoin(of_result, "; "),
      ". Put the values back, choose another --run, or give --allow_config_change to go on with "
      "the new ones"));
}

}  // namespace slimreel
