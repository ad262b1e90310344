// A tiny model with its optimizer and its data, for tests of the loop.
#ifndef TRAINER_LOOP_TINY_LEARNER_H_
#define TRAINER_LOOP_TINY_LEARNER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "configs/train_options.h"
#include "data/loading/loader.h"
#include "memory/executor/executor.h"
#include "memory/policy/plan.h"
#include "models/factory/factory.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {

inline constexpr int64_t kTinySize = 32;  // pixels, height and width
inline constexpr int64_t kTinyFrames = 8;
inline constexpr int64_t kTinyClasses = 5;
inline constexpr uint64_t kTinySeed = 3;

// Two learners of equal arguments start from equal weights. The optimizer is SGD with momentum and
// without weight decay, so the first update is -rate * gradient.
struct TinyLearner {
  explicit TinyLearner(const std::string& model_name, at::ScalarType dtype = at::kFloat)
      : model(BuildModel(SpecOf(model_name, dtype)).value()),
        executor(model->ChainWithLoss()),
        optimizer(Sgd(), MakeParamGroups(Parameters(*model), /*weight_decay=*/0.0,
                                         /*no_decay_norm_and_bias=*/false)) {}

  // `schedule`: the words of memory.schedule.
  Plan PlanOf(const std::string& schedule, int64_t micro_batch) const {
    return MakePlan(micro_batch,
                    ParseStageModes(schedule, executor.num_scheduled_stages() - 1).value(),
                    executor.stage_names());
  }

  std::unique_ptr<Model> model;
  Executor executor;
  Optimizer optimizer;

 private:
  static ModelSpec SpecOf(const std::string& name, at::ScalarType dtype) {
    ModelSpec spec;
    spec.name = name;
    spec.num_classes = kTinyClasses;
    spec.num_frames = kTinyFrames;
    spec.height = spec.width = kTinySize;
    spec.dropout = 0.1;
    spec.seed = kTinySeed;
    spec.dtype = dtype;
    return spec;
  }
  static TrainOptions Sgd() {
    TrainOptions options;
    options.optimizer = OptimizerKind::kSgd;
    return options;
  }
};

// Synthetic samples in the calling thread. An epoch of the training loader has `samples` samples.
inline std::unique_ptr<Loader> OpenTinyLoader(int64_t samples, int64_t batch_size,
                                              bool training = true) {
  LoaderOptions options;
  options.sources = {"synthetic:" + std::to_string(samples)};
  options.height = options.width = kTinySize;
  options.num_frames = kTinyFrames;
  options.num_classes = kTinyClasses;
  options.seed = kTinySeed;
  options.batch_size = batch_size;
  options.num_workers = 0;
  options.training = training;
  if (!training) options.sampling = Sampling::kSequential;
  return Loader::Open(options).value();
}

}  // namespace slimreel

#endif  // TRAINER_LOOP_TINY_LEARNER_H_
