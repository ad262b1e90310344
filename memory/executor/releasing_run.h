// Forward and backward of one micro-batch whose gradients are used up while backward goes on:
// after the backward of a stage, the parameters that no lower stage uses are updated and their
// gradients freed. So never more than a few stages' gradients live.
//
// See Note [Forward only]. Threading: one thread at a time. Ownership: it borrows the executor.
#ifndef MEMORY_EXECUTOR_RELEASING_RUN_H_
#define MEMORY_EXECUTOR_RELEASING_RUN_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <utility>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/executor/interpreter.h"
#include "memory/executor/release_groups.h"
#include "memory/executor/schedule.h"
#include "memory/recovery/attempt_watch.h"
#include "memory/stage/stage.h"

namespace slimreel {

class ReleasingRun {
 public:
  // Updates the parameters ReleaseGroups(scheduled stages)[stage] and frees their gradients. If it
  // throws, it is called again for the same stage and goes on where it stopped.
  using Release = std::function<void(int stage)>;

  // `executor` must outlive the run.
  ReleasingRun(const Executor* executor, Release release);

  // As Executor::Run. Exceptions pass through. Afterwards:
  //   not has_released()  nothing is updated: drop all gradients, and begin a new run;
  //   has_released()      call Run again with the same context and inputs. It goes on where it
  //                       stopped, with every stage checkpointed, to the bits of an undisturbed
  //                       run. `schedule` does not count then.
  // Throws c10::OutOfMemoryError also if the accelerator refused memory, and a library took another
  // way without an error: before anything that it gave is used.
  Tensors Run(const Schedule& schedule, StageContext context, Tensors inputs,
              ExecutorHooks* hooks = nullptr);

  bool has_released() const { return has_released_; }
  // Falls with every stage that is done. It tells whether another call got further.
  int num_stages_left() const { return next_ + 1 + (releasing_ >= 0 ? 1 : 0); }

 private:
  void RunStages(const std::vector<Stage*>& stages, const Schedule& schedule,
                 const StageContext& context, Tensors inputs);
  void Backward(Interpreter& interpreter, const AttemptWatch& watch, const Op& op);
  void SetAside(int stage);
  void PutBack();
  void FinishRelease();

  const Executor* executor_;
  const Release release_;
  ExecutorHooks* hooks_ = nullptr;    // of the call of Run
  const std::vector<Stage*> stages_;  // the scheduled ones
  const std::vector<Tensors> groups_;
  bool has_released_ = false;
  int next_;            // the stage that goes backward next
  int releasing_ = -1;  // the stage that went backward, but whose release has not ended; -1: none
  Tensors held_;        // once has_released_: gradients of the outputs of stage next_
  // Once has_released_: parameters of the stage that goes backward, with the gradients that higher
  // stages gave them.
  std::vector<std::pair<at::Tensor, at::Tensor>> aside_;
  Tensors outputs_;  // of the loss
};

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_RELEASING_RUN_H_
