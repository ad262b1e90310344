// Makes a layer's parameters and buffers and enters them, under their full
// reference keys, into the lists of the stage that owns the layer.
//
// Called by layers' constructors while a model is built. One thread; owns nothing.
// See Note [Weights are a function of seed and key] in the .cc.
#ifndef MODELS_LAYERS_PARAMETER_MAKER_H_
#define MODELS_LAYERS_PARAMETER_MAKER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "models/stage/stage.h"

namespace slimreel {

class ParameterMaker {
 public:
  // The lists must outlive the maker. `dtype`: kFloat or kDouble.
  ParameterMaker(uint64_t seed, at::ScalarType dtype, std::vector<NamedTensor>* parameters,
                 std::vector<NamedTensor>* buffers);

  // Parameters that require grad, of the maker's dtype.
  at::Tensor Normal(const std::string& key, at::IntArrayRef sizes, double std);  // mean 0
  // torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu"); sizes [out, in, kernel...].
  at::Tensor KaimingNormalFanOut(const std::string& key, at::IntArrayRef sizes);
  at::Tensor Constant(const std::string& key, at::IntArrayRef sizes, double value);

  // Buffers without grad: of the maker's dtype, and a 0-dim int64 counter at 0.
  at::Tensor ConstantBuffer(const std::string& key, at::IntArrayRef sizes, double value);
  at::Tensor CounterBuffer(const std::string& key);

 private:
  at::Tensor Register(const std::string& key, at::Tensor value);

  uint64_t seed_;
  at::ScalarType dtype_;
  std::vector<NamedTensor>* parameters_;
  std::vector<NamedTensor>* buffers_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_PARAMETER_MAKER_H_
