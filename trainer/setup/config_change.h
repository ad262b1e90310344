// What a resumed run's configuration has changed since its checkpoint, key by key.
//
// Who calls it: trainer/setup/train_command. Files only, no tensor. Threading: one thread.
#ifndef TRAINER_SETUP_CONFIG_CHANGE_H_
#define TRAINER_SETUP_CONFIG_CHANGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {

struct ConfigChanges {
  std::vector<std::string> lines;  // "train.lr: 0.1 -> 0.01"
  bool changes_result = false;     // one of them changes what is learnt
};

// Compares with the configuration inside of the checkpoint, which only a save replaces:
// RUN/config.yaml is the newest process's, whether or not it came to a save. Each
// change is logged. InvalidArgument, with the ways out: a change of what is learnt, unless
// `allow_change`.
absl::StatusOr<ConfigChanges> CompareWithCheckpoint(const Config& config,
                                                    const FoundCheckpoint& start,
                                                    bool allow_change);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CONFIG_CHANGE_H_
