// Dynamic loss scaling for fp16 (Micikevicius et al. 2018, "Mixed precision
// training", section 3.2; defaults as torch.amp.GradScaler): gradients are made
// from a scaled loss, so that small ones do not vanish; a step whose gradients
// overflowed is left out and the scale halved.
//
// Who calls it: the train step; the checkpoint (State). Threading: one thread.
// All values stay on the device: nothing here waits for it.
#ifndef TRAINER_OPTIM_LOSS_SCALE_H_
#define TRAINER_OPTIM_LOSS_SCALE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

struct LossScaleOptions {
  double initial = 65536.0;
  double growth_factor = 2.0;
  double backoff_factor = 0.5;
  int64_t growth_interval = 2000;  // steps without overflow before it grows
};

class LossScale {
 public:
  LossScale(const LossScaleOptions& options, at::Device device);

  // [] float32: what backward starts from.
  const at::Tensor& scale() const { return scale_; }

  // Divides the gradients by the scale and looks for infinities and NaN.
  void Unscale(const std::vector<at::Tensor>& gradients);
  // [] float32: 1 where the last Unscale found one, so that the step is to be left out; else 0.
  const at::Tensor& found_inf() const { return found_inf_; }
  // After the step: halves the scale, or counts towards its growth.
  void Update();

  // "loss_scale.scale", "loss_scale.growth_tracker"; copying into them restores it.
  std::vector<NamedTensor> State() const;

 private:
  LossScaleOptions options_;
  at::Tensor scale_;           // [] float32
  at::Tensor inverse_;         // [] float32
  at::Tensor found_inf_;       // [] float32
  at::Tensor growth_tracker_;  // [] int32
};

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LOSS_SCALE_H_
