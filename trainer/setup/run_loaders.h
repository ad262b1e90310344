// The options of a run's loaders: the section `data`, and what the model reads.
//
// Free functions without state. They read no file.
#ifndef TRAINER_SETUP_RUN_LOADERS_H_
#define TRAINER_SETUP_RUN_LOADERS_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "configs/schema.h"
#include "data/loading/loader.h"
#include "models/chain/model.h"
#include "trainer/setup/loader_memory.h"

namespace slimreel {

// Loaders of train and evaluation samples. SizeLoaders (loader_memory.h) fills in threads, batches
// ahead and page-locked memory.
LoaderOptions TrainLoaderOptions(const Config& config, int64_t effective_batch);
// `sources` are data.val, data.test or the folders of the command line. `split` is val or test.
LoaderOptions EvaluationLoaderOptions(const Config& config, std::vector<std::string> sources,
                                      const std::string& split);

// Asks the loader for what the slots of model.inputs hold, and for nothing else. InvalidArgument:
// the model needs something that a data.load_* key switches off.
absl::Status RequestInputs(const Config& config, const Model& model, LoaderOptions* options);

// What this machine has for loading while a step runs on `device`.
ComputeResources FindResources(at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_LOADERS_H_
