// Small chains of the shapes that models have, for tests of the executor, and the reference that
// tests compare them with: one connected autograd graph.
#ifndef MEMORY_EXECUTOR_TEST_CHAINS_H_
#define MEMORY_EXECUTOR_TEST_CHAINS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memory/executor/schedule.h"
#include "memory/stage/stage.h"

namespace slimreel {

// A stage whose forward pass is a lambda. The lambda gets the parameters' tensors.
class LambdaStage : public Stage {
 public:
  using Body = std::function<Tensors(const StageContext&, const Tensors& parameters, Tensors in)>;
  LambdaStage(std::string name, const Tensors& parameters, std::vector<int> handed_on, Body body);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::vector<int> handed_on() const override { return handed_on_; }
  // Adds a buffer that moves by 0.1 * (value - buffer) for each logged value.
  StepLog* AddLoggedBuffer(const at::Tensor& buffer);

 private:
  Tensors tensors_;
  std::vector<int> handed_on_;
  Body body_;
};

struct TestChain {
  std::string name;
  std::vector<std::unique_ptr<Stage>> stages;  // the loss is the last
  Tensors inputs;
  // True: the connected graph adds the two gradients of the tied parameter in another order.
  bool tied = false;

  std::vector<Stage*> Chain() const;
  Tensors Parameters() const;  // a tied parameter once
  Tensors Buffers() const;
  void ClearGradients() const;  // and drops the step logs
};

// The names of all chains. MakeTestChain makes one with fresh parameters, the same every time.
std::vector<std::string> TestChainNames();
TestChain MakeTestChain(const std::string& name);

// Everything that a step leaves behind: loss, gradients (may be undefined), buffers. Taking it
// commits the step's logs.
struct StepResult {
  at::Tensor loss;
  Tensors gradients;
  Tensors buffers;
};
StepResult TakeResult(const TestChain& chain, const at::Tensor& loss);

// The context of a training step that is not the first one.
StageContext TestContext();

// Schedules of `num_stages` stages with the loss: uniform ones, mixtures of keep and checkpoint,
// and random persistent ones, some of which visit a stage several times.
std::vector<Schedule> TestSchedules(int num_stages);

// Forward through all stages and one backward from the loss.
at::Tensor RunConnected(const TestChain& chain, const StageContext& context);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_TEST_CHAINS_H_
