// SGD, Adam and AdamW by ATen's fused kernels, with state as named tensors.
//
// Who calls it: the train step (GlobalNormClip, Step, ZeroGrad), the checkpoint (State).
// Threading: one thread. Ownership: shares the parameters, owns the state.
#ifndef TRAINER_OPTIM_OPTIMIZER_H_
#define TRAINER_OPTIM_OPTIMIZER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/train_options.h"
#include "memory/stage/stage.h"
#include "trainer/optim/loss_scale.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double momentum = 0.9;  // SGD; 0 keeps no state
  double beta1 = 0.9;     // Adam, AdamW
  double beta2 = 0.999;
  double eps = 1e-8;
  std::optional<LossScaleOptions> loss_scale = std::nullopt;  // fp16
};

// See Note [Reserved before the first step].
class Optimizer {
 public:
  // Creates all state (zeros, in the parameters' dtype and on their device).
  // Every parameter must require grad; all share one dtype and one device.
  Optimizer(const OptimizerOptions& options, std::vector<ParamGroup> groups);

  // What backward starts from, [] float32: the loss scale; undefined without one.
  at::Tensor LossGradient() const;

  // With a loss scale, divides the gradients by it first. L2 norm of all gradients together, a
  // scalar on the device: reading it is what waits. With max_norm > 0 the gradients are scaled by
  // min(1, max_norm / (norm + 1e-6)) (torch.nn.utils.clip_grad_norm_). Parameters without a
  // gradient are left out.
  at::Tensor GlobalNormClip(double max_norm);

  // One update with the schedule's rate. Parameters without a gradient stay as they are.
  // With a loss scale, GlobalNormClip must come before; a step whose gradients are not
  // finite changes neither parameters nor state, but the scale.
  void Step(double lr);

  // [] float32 on the device: 1 where the last GlobalNormClip found gradients that are
  // not finite; undefined without a loss scale.
  at::Tensor FoundInf() const;

  // Gradients are set to none, which gives their memory back.
  void ZeroGrad();

  // State under stable names: "<parameter key>.exp_avg", ".exp_avg_sq",
  // ".step" (Adam, AdamW) or ".momentum_buffer" (SGD); "loss_scale.*". Shares its tensors: copying
  // into them restores the optimizer.
  const std::vector<NamedTensor>& State() const { return state_; }
  int64_t StateBytes() const;

 private:
  // One group's tensors side by side, as the kernels take them.
  struct Lists {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> exp_avgs;  // SGD: momentum buffers
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> steps;  // one float32 element each
    double weight_decay;
    double lr_scale;
  };
  void CreateState(const NamedTensor& parameter, Lists& lists);
  void StepGroup(const Lists& lists, double lr);
  std::vector<at::Tensor> Gradients() const;
  void ReserveScratch();

  OptimizerOptions options_;
  std::vector<Lists> groups_;
  std::optional<LossScale> loss_scale_;
  std::vector<NamedTensor> state_;
  at::Tensor reserve_;  // held between steps, let go while the optimizer works
};

}  // namespace slimreel

#endif  // TRAINER_OPTIM_OPTIMIZER_H_
