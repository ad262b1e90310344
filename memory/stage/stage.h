// A model is a chain of named stages; this folder holds the types of that idea
// and nothing else. Models implement Stage; memory/executor runs chains of them
// and never looks inside one.
//
// Threading: a stage is used by one thread at a time.
// Ownership: a chain owns its stages; a stage owns its parameters and buffers.
#ifndef MEMORY_STAGE_STAGE_H_
#define MEMORY_STAGE_STAGE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slimreel {

// What flows between two stages: a tuple of slots. A slot may be undefined, may
// hold integers (then it carries no gradient), and may only be handed on.
using Tensors = std::vector<at::Tensor>;

// A parameter or buffer under its reference implementation's state-dict key.
// `tensor` shares its TensorImpl with the stage's member, so `set_data` and
// in-place copies through it change the stage.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Everything of a forward pass that is not an activation. All randomness of a
// model is a pure function of (seed, step, global sample position, layer), so a
// recompute, a rollback or a resume needs no generator state.
struct StageContext {
  uint64_t seed = 0;
  int64_t step = 0;  // optimizer step, counted from 0
  // Position of this micro-batch's first sample in the global effective batch
  // (over all ranks). Sample b of the micro-batch has position first_position + b.
  int64_t first_position = 0;
  bool training = false;
  // False when a stage runs again to rebuild what backward needs: BatchNorm
  // moves its running statistics at the first visit only.
  bool first_visit = true;
  // Samples per BatchNorm normalisation group; 0: the whole micro-batch is one
  // group. Micro-batches start at multiples of it.
  int64_t norm_group = 0;
  bool norm_frozen = false;  // BatchNorm normalises with running statistics
  // Save less for backward and rebuild it there: the stage's lean form. Has the
  // bits of the plain form; without effect on a stage that has none.
  bool lean = false;
  // kHalf or kBFloat16: the executor runs every visit under autocast to it. None: each
  // operation computes in the dtype of its tensors.
  std::optional<at::ScalarType> autocast;
  // What the loss compares with (classification: {labels [B] int64}); not owned.
  const Tensors* targets = nullptr;
  // Valid weight of the whole effective batch over all ranks, counted before the
  // first micro-batch: loss = weighted sum / loss_denominator.
  double loss_denominator = 1.0;
  // Decode state (attention caches) of autoregressive models comes with them.
};

class Stage {
 public:
  explicit Stage(std::string name) : name_(std::move(name)) {}
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Never writes its inputs (debug builds compare versions); outputs may be
  // inputs handed on. Same bits for the same inputs and context, under grad
  // mode or not, at the first visit or a later one.
  virtual Tensors Forward(const StageContext& context, Tensors in) = 0;

  // Input slots that output slot j hands on untouched: handed_on()[j] is the
  // input slot, or -1 where output j is made here. Empty: none is handed on.
  virtual std::vector<int> handed_on() const { return {}; }

  // Does `context.lean` make this stage keep less? Pure; may depend on its build alone.
  virtual bool has_lean() const { return false; }

  // Two stages of equal signature do the same work for inputs of equal shape
  // (a profile of one serves for both). Default: the name, equal to nothing else.
  virtual std::string signature() const { return name_; }

  // A tied parameter appears in each stage that uses it: the same TensorImpl.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  // Persistent state without gradient (running statistics), saved with the model.
  const std::vector<NamedTensor>& buffers() const { return buffers_; }
  const std::string& name() const { return name_; }

 protected:
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;

 private:
  std::string name_;
};

}  // namespace slimreel

#endif  // MEMORY_STAGE_STAGE_H_
