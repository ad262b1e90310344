// The run: steps, evaluations, checkpoints and observers in their order.
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
#include "trainer/checkpoint/train_state.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/loop/run_length.h"
#include "trainer/loop/train_step.h"
#include "trainer/observers/observer.h"
#include "trainer/optim/lr_schedule.h"

namespace slimreel {

struct TrainerParts {
  const Model* model = nullptr;
  Optimizer* optimizer = nullptr;
  TrainStep* step = nullptr;
  Loader* train_loader = nullptr;
  Evaluator* evaluator = nullptr;  // null: no evaluation
};

struct TrainerSettings {
  std::string run_dir;
  at::Device device = at::kCPU;
  RunLength length;
  LrCurve lr;
  EvaluationTimes evaluation;
  std::string best_metric = "top1";  // of the per-video metrics
  CheckpointTimes checkpoint;
  int64_t keep_checkpoints = 3;
  int64_t log_every_steps = 10;  // how often device values are read
  int64_t effective_batch_size = 0;
  int64_t budget_bytes = 0;
  LoaderRecord loader;
  std::string config;  // resolved, YAML: what checkpoints store
};

enum class RunEnd { kFinished, kStopped };

class Trainer {
 public:
  // `state` is a new run's or a checkpoint's; parts are already restored to it.
  Trainer(const TrainerParts& parts, const TrainerSettings& settings, TrainState state,
          std::vector<std::unique_ptr<Observer>> observers);

  // Up to the last step, or to a stop signal: then the step in hand is finished and
  // saved, and an evaluation in hand is given up, to be done first by the run that goes on. Both
  // ends leave a checkpoint and a summary, and so does an error that comes between steps or out of
  // a step that was undone, once something was learnt: the step's, the loader's, an evaluation's.
  // It keeps its code; its message says where the state is, or why it could not be saved. Where
  // the disk failed, the newest checkpoint stands as it was.
  absl::StatusOr<RunEnd> Run();

  const TrainState& state() const { return state_; }

 private:
  using Clock = std::chrono::steady_clock;
  // A step whose loss may still be on its way on the device.
  struct PendingStep {
    StepRecord record;
    at::Tensor loss;
    at::Tensor grad_norm;
    at::Tensor found_inf;  // fp16 only, as loss_scale
    at::Tensor loss_scale;
  };

  absl::Status Loop();
  absl::Status OneStep();
  void Advance();
  void StandAt(const LoaderPosition& position);
  absl::Status FailWith(const absl::Status& error);
  bool IsAsIn(const TrainState& known) const;
  bool EvaluationIsDue() const;
  absl::Status EvaluateIfDue();
  MemoryRecord Memory();
  absl::Status ReportPending();
  absl::Status Written(absl::Status status);
  absl::Status Flush();
  absl::Status Save();
  absl::Status End(const std::string& stopped_by);

  TrainerParts parts_;
  TrainerSettings settings_;
  TrainState state_;
  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<PendingStep> pending_;
  TrainState begun_;                 // what this process began with
  std::optional<TrainState> saved_;  // what its newest checkpoint holds
  bool best_is_new_ = false;         // and in no checkpoint
  bool disk_failed_ = false;         // lines or a checkpoint are not on it
  Clock::time_point last_report_;
  Clock::time_point last_save_;
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_TRAINER_H_
