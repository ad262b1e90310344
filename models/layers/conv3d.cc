#include "models/layers/conv3d.h"

#include <ATen/ops/conv3d.h>

namespace slimreel {

Conv3d::Conv3d(ParameterMaker& make, const std::string& prefix, int64_t inputs, int64_t outputs,
               std::array<int64_t, 3> kernel, std::array<int64_t, 3> stride)
    : weight_(make.KaimingNormalFanOut(prefix + ".weight",
                                       {outputs, inputs, kernel[0], kernel[1], kernel[2]})),
      stride_(stride),
      padding_{kernel[0] / 2, kernel[1] / 2, kernel[2] / 2} {}

at::Tensor Conv3d::Forward(const at::Tensor& x) const {
  return at::conv3d(x, weight_, {}, stride_, padding_);
}

}  // namespace slimreel
