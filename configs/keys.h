// The rows of the key table, one function per section. The rows point into the given option
// structs, which must outlive them and must hold the defaults. Threading: as the structs.
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

// All rows in the order of the printed file.
std::vector<ConfigKey> AllKeys(Config* config);

// Other names for keys, and for the flags --run and --resume.
const std::vector<ConfigAlias>& ConfigAliases();

}  // namespace slimreel

#endif  // CONFIGS_KEYS_H_
