#include "trainer/setup/learner.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "data/loading/loader.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_phase.h"
#include "trainer/optim/layer_decay.h"
#include "trainer/optim/param_groups.h"
#include "trainer/setup/model_setup.h"
#include "trainer/setup/model_spec.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/run_loaders.h"
#include "trainer/setup/state_paging.h"

namespace slimreel {
namespace {

// How many classes the head has: those of data.train, or more. None: the model has a vocabulary.
absl::StatusOr<std::optional<int64_t>> NumClasses(const Config& config) {
  if (IsSpeechModel(config)) return config.model.num_classes;
  const auto data_classes = Loader::ReadClasses(TrainLoaderOptions(config, config.data.batch_size));
  if (!data_classes.ok()) {
    return WithMessage(data_classes.status(),
                       absl::StrCat("data.train: ", data_classes.status().message()));
  }
  const auto in_data = static_cast<int64_t>(data_classes->size());
  const int64_t classes = config.model.num_classes.value_or(in_data);
  if (classes < 2 && !config.model.num_classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(config.data.train, ", "), " (data.train) has ", in_data,
        in_data == 1 ? " class" : " classes",
        ", and model.num_classes is not set: at least 2 are "
        "needed. Classes come from //data:prepare, by a folder per class inside --input or by "
        "--annotations; with data.train=synthetic:N give model.num_classes"));
  }
  if (classes < 2 || classes < in_data) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.num_classes is ", classes, ", but data.train has ", in_data,
                     " classes; at least ", std::max<int64_t>(2, in_data), " are needed"));
  }
  if (!config.train.class_weights.empty() &&
      static_cast<int64_t>(config.train.class_weights.size()) != classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("train.class_weights has ", config.train.class_weights.size(),
                     " numbers, but there are ", classes, " classes; give one for each"));
  }
  return classes;
}

absl::StatusOr<std::unique_ptr<Model>> MakeModel(const Config& config, const RunRequest& request) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<int64_t> classes, NumClasses(config));
  SLIMREEL_ASSIGN_OR_RETURN(
      std::unique_ptr<Model> model,
      SetUpModel(config, classes, request.device, /*load_weights=*/!request.start));
  if (classes && *classes != model->num_classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.num_classes is ", *classes, ", but the vocabulary of ", model->name,
                     " has ", model->num_classes, " tokens; leave the key out"));
  }
  WarnUnused(config, *model);
  return model;
}

std::unique_ptr<Optimizer> MakeOptimizer(const Config& config, const Model& model,
                                         const StatePaging& paging) {
  return std::make_unique<Optimizer>(
      config.train,
      MakeParamGroups(Parameters(model), config.train.weight_decay,
                      config.train.no_decay_norm_and_bias,
                      LayerLrScales(model, config.train.layer_decay)),
      LossScaleFor(config.trainer.precision), paging);
}

}  // namespace

absl::StatusOr<Learner> MakeLearner(const Config& config, const RunRequest& request) {
  Learner learner;
  SLIMREEL_ASSIGN_OR_RETURN(learner.model, MakeModel(config, request));
  const DeviceMemoryReading memory = ReadDeviceMemory(request.device);
  learner.model_bytes = memory.live_bytes;
  learner.load_peak_bytes = At(memory.peak_by_phase, MemoryPhase::kSetup).bytes;
  SLIMREEL_ASSIGN_OR_RETURN(learner.batch, MakeBatchTerms(config, HasBatchNorm(*learner.model)));
  const std::string slow = SlowPrecisionWarning(config.trainer.precision, request.device);
  if (!slow.empty()) LOG(WARNING) << slow;
  learner.executor = std::make_unique<Executor>(learner.model->ChainWithLoss());
  // A pool without a budget has no bound; where plans get none, nothing is asked of the pool.
  learner.host_pool =
      std::make_unique<HostPool>(std::max<int64_t>(0, HostBytesForPlans(config, request.device)));
  const bool on_host = StateBeginsOnHost(config, request, *learner.model);
  learner.optimizer =
      MakeOptimizer(config, *learner.model, {.pool = on_host ? learner.host_pool.get() : nullptr});
  return learner;
}

}  // namespace slimreel
