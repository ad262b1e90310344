// Gives the memory of gradients its tag. Backward makes them among the activations, so the
// executor's hooks give them the tag kGradients when the operation that made them ends.
//
// Threading: the executor's thread. Ownership: borrows the stages and the next hooks.
#ifndef TRAINER_LOOP_GRADIENT_TAGS_H_
#define TRAINER_LOOP_GRADIENT_TAGS_H_

#include <cstddef>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/executor/schedule.h"
#include "memory/stage/stage.h"

namespace slimreel {

class GradientTags final : public ExecutorHooks {
 public:
  // `chain`: the executor's, with its frozen prefix. Every call goes on to `next`, if there is one.
  GradientTags(std::vector<Stage*> chain, int frozen_prefix, ExecutorHooks* next);

  void BeforeOp(const Op& op) override;
  void AfterOp(const Op& op) override;
  void BeforePrefix() override;
  void AfterPrefix() override;
  void BeforeUpdate() override;
  void AfterUpdate() override;

 private:
  std::vector<Stage*> chain_;
  size_t frozen_prefix_;
  ExecutorHooks* next_;
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_GRADIENT_TAGS_H_
