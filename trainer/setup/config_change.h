// What a resumed run's configuration has changed since its checkpoint, key by key.
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
  bool changes_result = false;     // one of them changes what is learnt
  std::optional<Config> before;    // that the checkpoint was made under; none: not known
};

// The configuration file that the checkpoint was made under: the checkpoint's own, which only a
// save replaces; one of an earlier version has none, and then it is its run's.
std::string SavedConfigPath(const FoundCheckpoint& start);

// Compares with the configuration inside of the checkpoint, which only a save replaces:
// RUN/config.yaml is the newest process's, whether or not it came to a save. Each
// change is logged. InvalidArgument, with the ways out: a change of what is learnt, unless
// `allow_change`.
absl::StatusOr<ConfigChanges> CompareWithCheckpoint(const Config& config,
                                                    const FoundCheckpoint& start,
                                                    bool allow_change);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CONFIG_CHANGE_H_
