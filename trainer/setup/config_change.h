// Compares the configuration of a resumed run with its checkpoint's, key by key.
//
// Files only, no tensor. Threading: one thread.
#ifndef TRAINER_SETUP_CONFIG_CHANGE_H_
#define TRAINER_SETUP_CONFIG_CHANGE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {

struct ConfigChanges {
  std::vector<std::string> lines;  // "train.lr: 0.1 -> 0.01"
  bool changes_result = false;     // at least one of them changes what is learnt
  std::optional<Config> before;    // the checkpoint's configuration; none: not known
};

// The file with the configuration that the checkpoint was made under. It lies in the checkpoint,
// or, for a checkpoint of an earlier version, in its run folder.
std::string SavedConfigPath(const FoundCheckpoint& start);

// Compares `config` with the configuration inside the checkpoint and logs each change.
// RUN/config.yaml does not serve for this: the newest process wrote it, and may have died before it
// saved anything. InvalidArgument, with the ways out: a change of what is learnt, unless
// `allow_change` is set.
absl::StatusOr<ConfigChanges> CompareWithCheckpoint(const Config& config,
                                                    const FoundCheckpoint& start,
                                                    bool allow_change);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CONFIG_CHANGE_H_
