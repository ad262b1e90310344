// Predicts the memory and the time of a training step under a plan, before any step runs: it
// measures the model's stages (memory/profile) and replays the plan.
//
// Threading: one thread; no other thread may use tensors while it measures. Ownership: borrows the
// model and the optimizer; keeps what it measured.
#ifndef TRAINER_PLANNING_STEP_PREDICTOR_H_
#define TRAINER_PLANNING_STEP_PREDICTOR_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "memory/executor/executor.h"
#include "memory/policy/plan.h"
#include "memory/profile/chain_profile.h"
#include "memory/profile/chain_profiler.h"
#include "models/chain/model.h"
#include "trainer/optim/optimizer.h"
#include "trainer/planning/step_prediction.h"

namespace slimreel {

struct PredictorOptions {
  at::Device device = at::kCPU;
  int64_t norm_group = 0;
  bool norm_frozen = false;
  std::optional<at::ScalarType> autocast;
  // Scalars of steps whose values have not been read yet live until the next report.
  int64_t log_every_steps = 1;
};

class StepPredictor {
 public:
  // The profile for micro-batches of one size.
  using ProfileOf = std::function<const ChainProfile&(int64_t micro_batch)>;

  StepPredictor(const Model& model, const Optimizer& optimizer, const PredictorOptions& options);

  // Measures the operations that `wanted` uses; an empty schedule: all operations. What was
  // measured before is not measured again. Throws c10::OutOfMemoryError if a stage does not fit.
  ChainProfile Measure(int64_t micro_batch, const Schedule& wanted, bool later_micro_batches);

  // Pure: the step of `effective_batch` samples under `plan`.
  StepPrediction Predict(const Plan& plan, int64_t effective_batch,
                         const ProfileOf& profile_of) const;

  // What measuring took so far.
  double measuring_ms() const { return measuring_ms_; }
  const Model& model() const { return *model_; }

 private:
  const Model* model_;
  const Optimizer* optimizer_;
  PredictorOptions options_;
  ChainProfiler profiler_;
  double measuring_ms_ = 0.0;
};

}  // namespace slimreel

#endif  // TRAINER_PLANNING_STEP_PREDICTOR_H_
