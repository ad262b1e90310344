// SGD, Adam and AdamW by ATen's fused kernels, with state as named tensors.
//
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

// See Note [Reserved before the first step].
class Optimizer {
 public:
  // Creates all state: zeros in the parameters' dtype and on their device. Every parameter must
  // require grad. All parameters must share one dtype and one device. Keys of `options` that count:
  // optimizer; momentum (SGD; 0 keeps no state); betas and eps (Adam, AdamW). The groups give
  // weight decay and rate factors. `loss_scale`: fp16 only.
  Optimizer(const TrainOptions& options, std::vector<ParamGroup> groups,
            const std::optional<LossScaleOptions>& loss_scale = std::nullopt);

  // The value that backward starts from: the loss scale, [] float32. Undefined without a loss
  // scale.
  at::Tensor LossGradient() const;

  // Returns the L2 norm of all gradients together: a scalar on the device, so only reading it
  // waits. With a loss scale, the gradients are divided by it first. With a max_norm (> 0) they are
  // then multiplied by min(1, max_norm / (norm + 1e-6)) (torch.nn.utils.clip_grad_norm_).
  // Parameters without a gradient are ignored.
  at::Tensor GlobalNormClip(std::optional<double> max_norm);

  // One update with rate `lr`, times each group's lr_scale. Parameters without a gradient stay as
  // they are. With a loss scale, call GlobalNormClip first; if a gradient is not finite, the step
  // changes only the scale, neither parameters nor other state.
  void Step(double lr);

  // [] float32 on the device: 1 if the last GlobalNormClip found a gradient that is not finite,
  // else 0. Undefined without a loss scale.
  at::Tensor FoundInf() const;

  // Makes all gradients undefined, which frees their memory.
  void ZeroGrad();

  // State under stable names: "<parameter key>.exp_avg", ".exp_avg_sq" and ".step" (Adam, AdamW) or
  // ".momentum_buffer" (SGD); "loss_scale.*". The tensors are shared: copying into them restores
  // the optimizer.
  const std::vector<NamedTensor>& State() const { return state_; }
  int64_t StateBytes() const;

 private:
  // One group's tensors as parallel lists, as the kernels take them.
  struct GroupTensors {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> exp_avgs;  // SGD: momentum buffers
    std::vector<at::Tensor> exp_avg_sqs;
    std::vector<at::Tensor> steps;  // one float32 element each
    double weight_decay;
    double lr_scale;
  };
  void CreateState(const NamedTensor& parameter, GroupTensors& lists);
  void StepGroup(const GroupTensors& lists, double lr);
  std::vector<at::Tensor> Gradients() const;
  void ReserveScratch();

  TrainOptions options_;
  std::vector<GroupTensors> groups_;
  std::optional<LossScale> loss_scale_;
  std::vector<NamedTensor> state_;
  at::Tensor reserve_;  // held between steps, released while the optimizer works
};

}  // namespace slimreel

#endif  // TRAINER_OPTIM_OPTIMIZER_H_
