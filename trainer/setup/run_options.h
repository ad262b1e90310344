// The configuration in the terms of the parts that a run is made of. The one place
// where keys of several sections meet.
//
// Who calls it: trainer/setup/session and the commands. Reads no file.
#ifndef TRAINER_SETUP_RUN_OPTIONS_H_
#define TRAINER_SETUP_RUN_OPTIONS_H_

#include <ATen/core/ScalarType.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/memory_limits.h"
#include "configs/schema.h"
#include "data/loading/loader.h"
#include "memory/executor/schedule.h"
#include "memory/policy/tighten.h"
#include "models/chain/model.h"
#include "models/factory/factory.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/loop/run_length.h"
#include "trainer/prediction/predict_options.h"
#include "trainer/setup/batch_terms.h"
#include "trainer/setup/loader_memory.h"

namespace slimreel {

// trainer.device: auto takes the first CUDA device where there is one. InvalidArgument, naming what
// there is: a device that is not there, or none of these words.
absl::StatusOr<at::Device> ResolveDevice(const std::string& device);
// The same on a machine with `num_cuda` CUDA devices.
absl::StatusOr<at::Device> ResolveDevice(const std::string& device, int64_t num_cuda);

// What is there for loading beside the step.
ComputeResources FindResources(at::Device device);

// Threads, prefetch and page-locked memory are for SizeLoaders (loader_memory.h) to fill.
LoaderOptions TrainLoaderOptions(const Config& config, int64_t effective_batch);
// `sources` is data.val, data.test or what the command line names; `split` val or test.
LoaderOptions EvaluationLoaderOptions(const Config& config, std::vector<std::string> sources,
                                      const std::string& split);

// Height and width of the heatmaps of pose models: data.heatmap.size, else 56, else, beside
// frames, a quarter of data.img_size.
int64_t HeatmapSize(const Config& config);
// Asks for what the slots of model.inputs hold, and nothing else. InvalidArgument: a
// data.load_* is false that the model needs.
absl::Status RequestInputs(const Config& config, const Model& model, LoaderOptions* options);
// Is the model of the family ("rgb", "pose", "rgb+pose", "speech")?
bool IsOfFamily(const std::string& model_name, const std::string& family);

// `num_classes` 0: the model has its own (a vocabulary).
ModelSpec MakeModelSpec(const Config& config, int64_t num_classes);
BatchRequest MakeBatchRequest(const Config& config, bool has_batch_norm);
// memory.schedule and model.use_gradient_checkpointing over `num_stages` stages (without
// the loss). InvalidArgument: words that do not parse.
absl::StatusOr<std::vector<StageMode>> MakeStageModes(const Config& config, int num_stages);
TightenLimits MakeTightenLimits(const Config& config, int64_t min_micro_batch);
// Samples per epoch and steps in all, trainer.limit_train_batches counted in micro-batches;
// `state` is what is behind. InvalidArgument: nothing is left to train on.
absl::StatusOr<RunLength> FindRunLength(const Config& config, const BatchTerms& batch,
                                        int64_t samples_per_epoch, const TrainState& state);
// `preparation` is the checkpoint's: raw videos are treated as what it was trained on. `host` and
// memory.host_budget bound a decoded picture, as they do in prepare.
PredictOptions MakePredictOptions(const Config& config, const FramePreparation& preparation,
                                  const HostMemory& host, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_OPTIONS_H_
