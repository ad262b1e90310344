// Makes a layer's parameters, buffers and constants and adds them, under their full
// reference keys, to the state of the stage that owns the layer.
//
// Threading: one thread, while a model is built. Ownership: owns nothing.
// See Note [Weights are a function of seed and key] in the .cc.
#ifndef MODELS_LAYERS_PARAMETER_MAKER_H_
#define MODELS_LAYERS_PARAMETER_MAKER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

// Options that all layers of a model share.
struct ParameterOptions {
  uint64_t seed = 0;
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble
  // kMeta: parameters have shapes but no memory, to count models that are too large to build.
  at::DeviceType device = at::kCPU;
};

class ParameterMaker {
 public:
  // The state must outlive the maker.
  ParameterMaker(const ParameterOptions& options, StageState* state);

  // Parameters of the maker's dtype; they require grad.
  at::Tensor Normal(const std::string& key, at::IntArrayRef sizes, double std);     // mean 0
  at::Tensor Uniform(const std::string& key, at::IntArrayRef sizes, double bound);  // +-bound
  // torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu"); sizes [out, in, kernel...].
  at::Tensor KaimingNormalFanOut(const std::string& key, at::IntArrayRef sizes);
  at::Tensor Constant(const std::string& key, at::IntArrayRef sizes, double value);

  // Buffers without grad: one of the maker's dtype, and a 0-dimensional int64 counter at 0.
  at::Tensor ConstantBuffer(const std::string& key, at::IntArrayRef sizes, double value);
  at::Tensor CounterBuffer(const std::string& key);
  // A table that is computed instead of trained: `value` in the maker's dtype.
  at::Tensor TableBuffer(const std::string& key, const at::Tensor& value);

  // A constant of the stage (memory/stage/stage.h): `value` as it is, also on a meta device only
  // its shape. `name` is its name within the stage.
  at::Tensor Table(const std::string& name, const at::Tensor& value);

  // The log through which training moves `averages` and `counter`, which are buffers of this
  // maker. The stage owns it.
  StepLog* Log(std::vector<at::Tensor> averages, at::Tensor counter, double rate);

 private:
  at::Tensor Register(const std::string& key, at::Tensor value);

  uint64_t seed_;
  at::TensorOptions tensor_;  // dtype and device
  StageState* state_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_PARAMETER_MAKER_H_
