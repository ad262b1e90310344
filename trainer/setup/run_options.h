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
#include "configs/schema.h"
#include "data/loading/loader.h"
#include "memory/executor/schedule.h"
#include "memory/policy/tighten.h"
#include "models/factory/factory.h"
#include "trainer/loop/run_length.h"
#include "trainer/lr/lr_schedule.h"
#include "trainer/optim/optimizer.h"
#include "trainer/prediction/predict_options.h"
#include "trainer/setup/batch_terms.h"

namespace slimreel {

// trainer.device: auto takes the first CUDA device where there is one.
// InvalidArgument: cuda asked for, and none is there.
absl::StatusOr<at::Device> ResolveDevice(const std::string& device);

// trainer.precision: the type of parameters and activations.
at::ScalarType ResolveDtype(const Config& config);

LoaderOptions TrainLoaderOptions(const Config& config, int64_t effective_batch);
// `sources` is data.val, data.test or what the command line names; `split` val or test.
LoaderOptions EvaluationLoaderOptions(const Config& config, std::vector<std::string> sources,
                                      const std::string& split);

ModelSpec MakeModelSpec(const Config& config, int64_t num_classes);
BatchRequest MakeBatchRequest(const Config& config, bool has_batch_norm);
OptimizerOptions MakeOptimizerOptions(const Config& config);
LrCurve MakeLrCurve(const Config& config, int64_t effective_batch, int64_t total_steps);
// memory.schedule and model.use_gradient_checkpointing over `num_stages` stages (without
// the loss). InvalidArgument: words that do not parse.
absl::StatusOr<std::vector<StageMode>> MakeStageModes(const Config& config, int num_stages);
TightenLimits MakeTightenLimits(const Config& config, int64_t min_micro_batch);
// Steps per epoch and in all, trainer.limit_train_batches counted in micro-batches.
// InvalidArgument: nothing is left to train on.
absl::StatusOr<RunLength> MakeRunLength(const Config& config, const BatchTerms& batch,
                                        int64_t samples_per_epoch);
PredictOptions MakePredictOptions(const Config& config, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_OPTIONS_H_
