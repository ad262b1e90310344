// Predicts the memory and the time of a training step under a plan, before any step runs: it
// measures the model's stages (memory/profile) and replays the plan.
//
// Threading: one thread; no other thread may use tensors while it measures. Ownership: borrows the
// model, the optimizer and the cache; keeps what it measured.
#ifndef TRAINER_PLANNING_STEP_PREDICTOR_H_
#define TRAINER_PLANNING_STEP_PREDICTOR_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "memory/executor/executor.h"
#include "memory/policy/plan.h"
#include "memory/profile/chain_profile.h"
#include "memory/profile/chain_profiler.h"
#include "memory/profile/measured_stages.h"
#include "memory/profile/replay.h"
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
  // kMicroBatch: as the CPU's steps (trainer/inputs/micro_batch_feed.h); kUntilUnused: as those of
  // an accelerator.
  InputLife inputs = InputLife::kMicroBatch;
  std::function<int64_t()> flops;  // as ProfileInput::flops
  // Knows what earlier runs measured of this model (memory/profile/profile_folder.h). Null: none.
  ProfileCache* cache = nullptr;
};

// What a step needs besides activations, in bytes.
struct LearnerBytes {
  int64_t parameters = 0;       // with buffers and constants
  int64_t optimizer = 0;        // state
  int64_t paged_optimizer = 0;  // what is left of it on the device if it is paged, with buffers
  int64_t host_optimizer = 0;   // the block in host memory then
  int64_t reserve = 0;          // part of other: for the scratch of an update
  int64_t other = 0;            // all else that lives between steps
};

class StepPredictor {
 public:
  // The profile for micro-batches of one size.
  using ProfileOf = std::function<const ChainProfile&(int64_t micro_batch)>;

  // What lives is read from the device when a step is predicted.
  StepPredictor(const Model& model, const Optimizer& optimizer, const PredictorOptions& options);
  // For a model without memory: `bytes` says what would live. `loss_gradient`: as the optimizer's.
  StepPredictor(const Model& model, const LearnerBytes& bytes, const at::Tensor& loss_gradient,
                const PredictorOptions& options);

  // Measures the operations that `wanted` uses; an empty schedule: all operations. What was
  // measured before is not measured again. Throws c10::OutOfMemoryError if a stage does not fit.
  ChainProfile Measure(int64_t micro_batch, const Schedule& wanted, bool later_micro_batches);

  // The step of `effective_batch` samples under `plan`. Takes the memory of its
  // step logs, as the step does before it runs.
  StepPrediction Predict(const Plan& plan, int64_t effective_batch,
                         const ProfileOf& profile_of) const;

  // Blocks of the device that is planned for, if it is another one than the one that measures.
  using Convert = std::function<ChainProfile(const ChainProfile&)>;
  void set_convert(Convert convert) { convert_ = std::move(convert); }

  // What measuring took so far.
  double measuring_ms() const { return measuring_ms_; }
  const Model& model() const { return *model_; }

 private:
  const Model* model_;
  const Optimizer* optimizer_ = nullptr;
  LearnerBytes bytes_;  // if there is no optimizer
  at::Tensor loss_gradient_;
  PredictorOptions options_;
  ChainProfiler profiler_;
  double measuring_ms_ = 0.0;
  Convert convert_;

  LearnerBytes ReadBytes(const Plan& plan) const;
  int64_t PagedBytes(bool release) const;

  mutable std::map<bool, int64_t> paged_bytes_;  // PagedBytes, by release
};

}  // namespace slimreel

#endif  // TRAINER_PLANNING_STEP_PREDICTOR_H_
