// Dynamic loss scaling for fp16 (Micikevicius et al. 2018, "Mixed precision training", section 3.2;
// defaults of torch.amp.GradScaler). Backward starts from a scaled loss, so that small gradients do
// not vanish. A step whose gradients overflow is skipped, and the scale is halved.
//
// Threading: one thread. All values stay on the device; nothing here waits for it.
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
  int64_t growth_interval = 2000;  // steps without overflow before the scale grows
};

class LossScale {
 public:
  LossScale(const LossScaleOptions& options, at::Device device);

  // [] float32: the value that backward starts from.
  const at::Tensor& scale() const { return scale_; }

  // Divides the gradients by the scale and checks them for infinity and NaN.
  void Unscale(const std::vector<at::Tensor>& gradients);
  // [] float32: 1 if the last Unscale found one, so that the step must be skipped; else 0.
  const at::Tensor& found_inf() const { return found_inf_; }
  // Call it after the step: halves the scale after an overflow, else counts towards its growth.
  void Update();

  // "loss_scale.scale" and "loss_scale.growth_tracker". Copying into them restores the scale.
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
