// The rows of the key table, one function per package's sections. Rows point into
// the option structs given, which must outlive them.
#ifndef CONFIGS_KEYS_H_
#define CONFIGS_KEYS_H_

#include <vector>

#include "base/config/key.h"
#include "base/config/loader.h"
#include "configs/schema.h"

namespace slimreel {

std::vector<ConfigKey> DataKeys(DataOptions* data, DataloaderOptions* dataloader);
std::vector<ConfigKey> ModelKeys(ModelOptions* model);
std::vector<ConfigKey> TrainKeys(TrainOptions* train);
std::vector<ConfigKey> TrainerKeys(TrainerOptions* trainer);
std::vector<ConfigKey> EvaluationKeys(EvaluationOptions* evaluation);
std::vector<ConfigKey> CheckpointKeys(CheckpointOptions* checkpoint);
std::vector<ConfigKey> MemoryKeys(MemoryOptions* memory);

// All of them, in the order of the printed file. `config` must hold the defaults.
std::vector<ConfigKey> AllKeys(Config* config);

const std::vector<ConfigAlias>& ConfigAliases();

}  // namespace slimreel

#endif  // CONFIGS_KEYS_H_
