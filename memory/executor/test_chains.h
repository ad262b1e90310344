// Small chains of the shapes that models have, for the executor's tests, and the
// reference that they are held against: one connected autograd graph.
#ifndef MEMORY_EXECUTOR_TEST_CHAINS_H_
#define MEMORY_EXECUTOR_TEST_CHAINS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

// A stage made of a lambda; the parameters' tensors are handed to it.
class LambdaStage : public Stage {
 public:
  using Body = std::function<Tensors(const StageContext&, const Tensors& parameters, Tensors in)>;
  LambdaStage(std::string name, const Tensors& parameters, std::vector<int> handed_on, Body body);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::vector<int> handed_on() const override { return handed_on_; }
  void AddBuffer(const at::Tensor& buffer) { buffers_.push_back({"buffer", buffer}); }

 private:
  Tensors tensors_;
  std::vector<int> handed_on_;
  Body body_;
};

struct TestChain {
  std::string name;
  std::vector<std::unique_ptr<Stage>> stages;  // the loss is the last
  Tensors inputs;
  // A tied parameter's two gradients are added in another grouping by the connected graph.
  bool tied = false;

  std::vector<Stage*> Chain() const;
  Tensors Parameters() const;  // each once
  Tensors Buffers() const;
  void ClearGradients() const;
};

// Names of all chains, and one of them with fresh parameters (the same every time).
std::vector<std::string> TestChainNames();
TestChain MakeTestChain(const std::string& name);

// Everything that a step leaves: loss, gradients (undefined allowed), buffers.
struct StepResult {
  at::Tensor loss;
  Tensors gradients;
  Tensors buffers;
};
StepResult TakeResult(const TestChain& chain, const at::Tensor& loss);

// Forward through all stages and one backward from the loss.
at::Tensor RunConnected(const TestChain& chain, const StageContext& context);

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_TEST_CHAINS_H_
