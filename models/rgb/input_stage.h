// The first stage of every RGB model: it turns pixels into normalised floats.
#ifndef MODELS_RGB_INPUT_STAGE_H_
#define MODELS_RGB_INPUT_STAGE_H_

#include <ATen/core/Tensor.h>

#include <array>

#include "memory/stage/stage.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

// {clips [B, 3, T, H, W]} -> {clips of the same shape, of the options' dtype}. uint8 becomes
// (x / 255 - mean) / std. Floats count as normalised: they are converted to dtype, or handed on if
// they have it. The stage has no parameters, so no gradient, and an executor may run it once,
// outside of the schedule.
class InputStage : public Stage {
 public:
  // `slots_after`: number of further slots of the tuple; they are handed on.
  InputStage(const std::array<float, 3>& mean, const std::array<float, 3>& std,
             const ParameterOptions& options, int slots_after = 0);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::vector<int> handed_on() const override;

 private:
  at::ScalarType dtype_;
  int slots_after_;
  at::Tensor scale_;  // [3, 1, 1, 1]: 1 / (255 std)
  at::Tensor shift_;  // [3, 1, 1, 1]: -mean / std
};

}  // namespace slimreel

#endif  // MODELS_RGB_INPUT_STAGE_H_
