// The run: steps, evaluations, checkpoints and calls of observers in their order.
// trainer/observers/observer.h shows the loop as pseudocode.
//
// Threading: one thread. Ownership: borrows the parts, owns the observers and the state.
#ifndef TRAINER_LOOP_TRAINER_H_
#define TRAINER_LOOP_TRAINER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/loading/loader.h"
#include "memory/manager/memory_manager.h"
#include "memory/policy/outside_peaks.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/loop/plan_in_force.h"
#include "trainer/loop/run_length.h"
#include "trainer/loop/train_step.h"
#include "trainer/observers/observer.h"
#include "trainer/optim/lr_schedule.h"
#include "trainer/planning/plan_page.h"

namespace slimreel {

struct TrainerParts {
  const Model* model = nullptr;
  Optimizer* optimizer = nullptr;
  TrainStep* step = nullptr;
  Loader* train_loader = nullptr;
  Evaluator* evaluator = nullptr;    // null: no evaluation
  MemoryManager* manager = nullptr;  // null: memory is not watched
};

struct TrainerSettings {
  std::string run_dir;
  at::Device device = at::kCPU;
  RunLength length;
  LrCurve lr;
  EvaluationOptions evaluation;
  // At most a micro-batch of the plan in force is evaluated at once. False: data.eval_batch_size is
  // set and says how many.
  bool evaluate_by_micro_batch = true;
  std::string best_metric = "top1";  // evaluation.metric, or the task's; one of the per-video ones
  CheckpointOptions checkpoint;
  int64_t log_every_steps = 10;  // steps between two reads of device values
  int64_t effective_batch_size = 0;
  int64_t budget_bytes = 0;
  PlanReport plan;           // of the plan that the run starts with
  OutsidePeaks start_peaks;  // measured, of load and resume; 0: not measured
  LoaderRecord loader;
  std::string config;  // resolved, YAML; checkpoints store it
};

enum class RunEnd { kFinished, kStopped };

class Trainer {
 public:
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // `state` is that of a new run or of a checkpoint. The caller has already restored the parts to
  // it.
  Trainer(const TrainerParts& parts, const TrainerSettings& settings, TrainState state,
          std::vector<std::unique_ptr<Observer>> observers);

  // Runs to the last step or to a stop signal. After a stop signal, the step in hand is finished
  // and saved. An evaluation in hand is dropped; the resumed run starts with it. Both ends leave a
  // checkpoint and a summary.
  //
  // An error of the loader, of an evaluation, or of a step that was undone also leaves a checkpoint
  // and a summary if at least one step was done. The returned error keeps its code. Its message
  // says where the state is, or why it could not be saved. After a failed write no checkpoint is
  // written: the newest one stays as it was.
  absl::StatusOr<RunEnd> Run();

  const TrainState& state() const { return state_; }

 private:
  using Clock = std::chrono::steady_clock;
  // A step whose values have not been read from the device yet.
  struct PendingStep {
    StepRecord record;
    at::Tensor loss;
    at::Tensor grad_norm;
    at::Tensor found_inf;  // fp16 only, like loss_scale
    at::Tensor loss_scale;
  };

  absl::Status Loop();
  absl::Status OneStep();
  absl::StatusOr<StepOutcome> RunStep(const Batch& batch, double lr);
  void MoveTo(const LoaderPosition& position);
  absl::Status SaveAfterError(const absl::Status& error);
  bool EqualsExceptPeaks(const TrainState& known) const;
  bool EvaluationIsDue() const;
  absl::Status EvaluateIfDue();
  absl::StatusOr<EvaluationResult> Evaluate();
  void UpdateBest(const EvaluationMetrics& metrics);
  absl::Status RelaxIfDue();
  absl::Status WritePlan();
  void CompareWithPrediction();
  MemoryRecord ReadMemoryAndUpdatePeaks();
  absl::Status ReportPending();
  absl::Status NoteWrite(absl::Status status);
  absl::Status Flush();
  absl::Status Save();
  OutsidePeaks MeasuredOutside() const;
  absl::Status ReportEnd(const std::string& stopped_by);

  TrainerParts parts_;
  TrainerSettings settings_;
  TrainState state_;
  PlanInForce plan_;  // of state_
  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<PendingStep> pending_;
  TrainState initial_state_;               // at the start of this process
  std::optional<TrainState> saved_state_;  // of the newest checkpoint that this process wrote
  int64_t trained_peak_bytes_ = 0;         // of this process's steps so far, when last read
  int64_t steps_above_prediction_ = 0;     // readings at which it had risen above the prediction
  int64_t saved_peak_bytes_ = 0;           // of this process's saves; 0: none yet
  bool best_is_unsaved_ = false;           // a new best is in no checkpoint yet
  bool write_failed_ = false;              // of an observer's lines, plan.json or a checkpoint
  Clock::time_point last_report_;
  Clock::time_point last_save_;
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_TRAINER_H_
