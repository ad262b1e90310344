// The interface between the memory package and models: a model is a chain of
// named stages. The memory package owns this interface. Models implement Stage;
// memory/executor runs chains of stages and never looks inside one.
//
// Threading: one thread at a time uses a stage.
// Ownership: a chain owns its stages; a stage owns its parameters, buffers and constants.
#ifndef MEMORY_STAGE_STAGE_H_
#define MEMORY_STAGE_STAGE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/stage/step_log.h"

namespace slimreel {

// What flows between two stages: a tuple of slots. A slot may be undefined. It may
// hold integers; then it carries no gradient. A stage may just hand a slot on.
using Tensors = std::vector<at::Tensor>;

// A parameter or buffer with its state-dict key in the reference implementation, or a constant.
// `tensor` shares its TensorImpl with the stage's member, so `set_data` and
// in-place copies through it change the stage.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Everything that a forward pass needs besides activations. All randomness of a
// model is a pure function of (seed, step, global sample position, layer), so a
// recompute, a rollback or a resume needs no generator state.
struct StageContext {
  uint64_t seed = 0;
  int64_t step = 0;  // optimizer step, counted from 0
  // Position of this micro-batch's first sample in the global effective batch
  // (over all ranks). Sample b of the micro-batch has position first_position + b.
  int64_t first_position = 0;
  bool training = false;
  // False when a stage runs again to rebuild what backward needs. BatchNorm appends
  // to its step log (step_log.h) only at the first visit.
  bool first_visit = true;
  // Samples per BatchNorm normalisation group; 0: the whole micro-batch is one
  // group. Micro-batches start at multiples of this number.
  int64_t norm_group = 0;
  bool norm_frozen = false;  // BatchNorm normalises with running statistics
  // The stage runs in its lean form: it saves less for backward and rebuilds the rest
  // there. The results have the same bits as the plain form's. A stage without a lean
  // form ignores this flag.
  bool lean = false;
  // kHalf or kBFloat16: the executor runs every visit under autocast to this dtype.
  // None: each operation computes in the dtype of its tensors.
  std::optional<at::ScalarType> autocast;
  // What the loss compares the outputs with (classification: {labels [B] int64}); not owned.
  const Tensors* targets = nullptr;
  // Valid weight of the whole effective batch over all ranks. It is counted before the
  // first micro-batch: loss = weighted sum / loss_denominator.
  double loss_denominator = 1.0;
};

// What a stage owns besides code.
struct StageState {
  // A tied parameter appears in each stage that uses it, as the same TensorImpl.
  std::vector<NamedTensor> parameters;
  // Persistent state without gradient (running statistics), saved with the model.
  std::vector<NamedTensor> buffers;
  // Tables that are computed when the stage is built and never change (positions, pixel
  // statistics). They move to the device with the model and are not saved.
  std::vector<NamedTensor> constants;
  // How training moves the buffers that follow the data.
  std::vector<std::unique_ptr<StepLog>> step_logs;
};

class Stage {
 public:
  explicit Stage(std::string name) : name_(std::move(name)) {}
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Never writes its inputs (the executor checks this in every build). Outputs may be
  // inputs that are handed on. Gives the same bits for the same inputs and context,
  // with and without grad mode, at the first visit and at later ones.
  virtual Tensors Forward(const StageContext& context, Tensors in) = 0;

  // handed_on()[j] is the input slot that output slot j hands on unchanged, or -1 if
  // this stage makes output j. Empty: the stage makes all outputs.
  virtual std::vector<int> handed_on() const { return {}; }

  // Does `context.lean` make this stage keep less? Pure: depends only on how the stage
  // was built.
  virtual bool has_lean() const { return false; }

  // Two stages of equal signature do the same work for inputs of equal shape, so one
  // profile serves both. Default: the name, which no other stage has.
  virtual std::string signature() const { return name_; }

  const std::vector<NamedTensor>& parameters() const { return state_.parameters; }
  const std::vector<NamedTensor>& buffers() const { return state_.buffers; }
  const std::vector<NamedTensor>& constants() const { return state_.constants; }
  // Who runs forward passes in training commits or drops these logs at the end of each step.
  const std::vector<std::unique_ptr<StepLog>>& step_logs() const { return state_.step_logs; }
  const std::string& name() const { return name_; }

 protected:
  StageState state_;

 private:
  std::string name_;
};

// The step logs of all stages, in the order of the chain.
inline std::vector<StepLog*> StepLogs(const std::vector<Stage*>& chain) {
  std::vector<StepLog*> all;
  for (const Stage* stage : chain) {
    for (const auto& log : stage->step_logs()) all.push_back(log.get());
  }
  return all;
}
inline std::vector<StepLog*> StepLogs(const StageState& state) {
  std::vector<StepLog*> all;
  for (const auto& log : state.step_logs) all.push_back(log.get());
  return all;
}

}  // namespace slimreel

#endif  // MEMORY_STAGE_STAGE_H_
