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

#include "memory/stage/stage.h"

namespace slimreel {

// What every layer of a model has in common.
struct ParameterOptions {
  uint64_t seed = 0;
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble
  // kMeta: shapes alone, without memory, for counting what is too large to build.
  at::DeviceType device = at::kCPU;
};

class ParameterMaker {
 public:
  // The lists must outlive the maker.
  ParameterMaker(const ParameterOptions& options, std::vector<NamedTensor>* parameters,
                 std::vector<NamedTensor>* buffers);
  ParameterMaker(uint64_t seed, at::ScalarType dtype, std::vector<NamedTensor>* parameters,
                 std::vector<NamedTensor>* buffers);

  // Parameters that require grad, of the maker's dtype.
  at::Tensor Normal(const std::string& key, at::IntArrayRef sizes, double std);     // mean 0
  at::Tensor Uniform(const std::string& key, at::IntArrayRef sizes, double bound);  // +-bound
  // torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu"); sizes [out, in, kernel...].
  at::Tensor KaimingNormalFanOut(const std::string& key, at::IntArrayRef sizes);
  at::Tensor Constant(const std::string& key, at::IntArrayRef sizes, double value);

  // Buffers without grad: of the maker's dtype, and a 0-dim int64 counter at 0.
  at::Tensor ConstantBuffer(const std::string& key, at::IntArrayRef sizes, double value);
  at::Tensor CounterBuffer(const std::string& key);
  // A table that is computed, not learnt: `value` in the maker's dtype.
  at::Tensor TableBuffer(const std::string& key, const at::Tensor& value);

 private:
  at::Tensor Register(const std::string& key, at::Tensor value);

  uint64_t seed_;
  at::TensorOptions tensor_;  // dtype and device
  std::vector<NamedTensor>* parameters_;
  std::vector<NamedTensor>* buffers_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_PARAMETER_MAKER_H_
