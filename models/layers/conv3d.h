// 3-D convolution without bias: always followed by a BatchNorm, which has one.
#ifndef MODELS_LAYERS_CONV3D_H_
#define MODELS_LAYERS_CONV3D_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>

#include "models/layers/parameter_maker.h"

namespace slimreel {

class Conv3d {
 public:
  // Key prefix.weight [outputs, inputs, kernel]; padding kernel / 2, so that odd
  // kernels give ceil(size / stride). Initialised by Kaiming's normal, fan-out.
  Conv3d(ParameterMaker& make, const std::string& prefix, int64_t inputs, int64_t outputs,
         std::array<int64_t, 3> kernel, std::array<int64_t, 3> stride);

  // [B, inputs, T, H, W] -> [B, outputs, T', H', W']
  at::Tensor Forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  std::array<int64_t, 3> stride_;
  std::array<int64_t, 3> padding_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV3D_H_
