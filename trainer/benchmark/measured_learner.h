// A model with its optimizer and its step, outside of any run: for tests and benchmarks that
// compare predictions with steps that really run.
//
// Threading: one thread. Ownership: it owns all its parts.
#ifndef TRAINER_BENCHMARK_MEASURED_LEARNER_H_
#define TRAINER_BENCHMARK_MEASURED_LEARNER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/train_options.h"
#include "data/loading/batch.h"
#include "memory/executor/executor.h"
#include "memory/paging/host_pool.h"
#include "memory/paging/offload_stack.h"
#include "models/chain/model.h"
#include "models/spec/model_spec.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/optimizer.h"
#include "trainer/planning/step_planner.h"
#include "trainer/planning/step_predictor.h"

namespace slimreel {

struct MeasuredLearnerOptions {
  ModelSpec spec;
  TrainOptions train;
  int64_t effective_batch = 4;
  int64_t norm_group = 1;
  std::optional<at::ScalarType> autocast;  // kHalf adds a loss scale
  bool random_batch = false;               // the batch: zeros, or random numbers
};

struct MeasuredSteps {
  int64_t peak_bytes = 0;  // highest of all steps
  std::vector<double> step_ms;
  std::vector<double> step_cpu_ms;  // of all threads
  int64_t oom_retries = 0;
};

class MeasuredLearner {
 public:
  static absl::StatusOr<std::unique_ptr<MeasuredLearner>> Make(
      const MeasuredLearnerOptions& options);

  // `words`: those of memory.schedule.
  Plan PlanOf(int64_t micro_batch, const std::string& words) const;
  // By profiles of the plan's own micro-batches. `unexplained_bytes` may be null.
  StepPrediction Predict(const Plan& plan, int64_t* unexplained_bytes = nullptr);
  PlanningTerms Terms(int64_t budget_bytes) const;  // of PlanSteps, from micro-batch = batch
  // Predict the plan first. Runs `steps` steps on one batch whose memory is, as a loader's, not the
  // allocator's. `hooks` are told of every operation; null: nobody.
  MeasuredSteps Run(const Plan& plan, int64_t steps, int64_t budget_bytes = 0,
                    ExecutorHooks* hooks = nullptr);

  // The most that waited on the host in the newest Run.
  int64_t peak_offloaded_bytes() const { return stack_ ? stack_->peak_bytes() : 0; }

  StepPredictor& predictor() { return *predictor_; }
  const Model& model() const { return *model_; }
  const Executor& executor() const { return *executor_; }

 private:
  explicit MeasuredLearner(const MeasuredLearnerOptions& options) : options_(options) {}
  void MakeStep(const Plan& plan);
  Batch MakeBatch();

  MeasuredLearnerOptions options_;
  HostPool pool_;
  std::unique_ptr<OffloadStack> stack_;
  int64_t offloaded_bytes_ = 0;  // of the newest prediction
  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<StepPredictor> predictor_;
  std::unique_ptr<TrainStep> step_;
  std::vector<std::unique_ptr<char[]>> memory_;  // of the newest batch
};

}  // namespace slimreel

#endif  // TRAINER_BENCHMARK_MEASURED_LEARNER_H_
