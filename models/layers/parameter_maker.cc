#include "models/layers/parameter_maker.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <memory>
#include <utility>

#include "base/counter_random.h"
#include "models/layers/keyed_random.h"

namespace slimreel {

// Note [Weights are a function of seed and key]
// Each tensor has its own generator, seeded from (seed, key). So the weights do
// not depend on the order in which layers are made, and adding a layer to a model
// does not change the other layers' weights. Draws are always float32 and then
// converted, so a float64 model starts from the same numbers and runs in both
// precisions can be compared.

ParameterMaker::ParameterMaker(const ParameterOptions& options, StageState* state)
    : seed_(options.seed),
      tensor_(at::TensorOptions(options.dtype).device(options.device)),
      state_(state) {
  TORCH_CHECK(options.dtype == at::kFloat || options.dtype == at::kDouble,
              "parameters are float32 or float64, not ", options.dtype);
}

at::Tensor ParameterMaker::Normal(const std::string& key, at::IntArrayRef sizes, double std) {
  if (tensor_.device().is_meta()) return Register(key, at::empty(sizes, tensor_));
  at::Generator generator = at::detail::createCPUGenerator(MixKeys(seed_, LayerId(key)));
  return Register(key, at::empty(sizes, at::kFloat).normal_(0.0, std, generator).to(tensor_));
}

at::Tensor ParameterMaker::Uniform(const std::string& key, at::IntArrayRef sizes, double bound) {
  if (tensor_.device().is_meta()) return Register(key, at::empty(sizes, tensor_));
  at::Generator generator = at::detail::createCPUGenerator(MixKeys(seed_, LayerId(key)));
  return Register(key, at::empty(sizes, at::kFloat).uniform_(-bound, bound, generator).to(tensor_));
}

at::Tensor ParameterMaker::KaimingNormalFanOut(const std::string& key, at::IntArrayRef sizes) {
  int64_t fan_out = sizes[0];
  for (size_t i = 2; i < sizes.size(); ++i) fan_out *= sizes[i];
  return Normal(key, sizes, std::sqrt(2.0 / static_cast<double>(fan_out)));
}

at::Tensor ParameterMaker::Constant(const std::string& key, at::IntArrayRef sizes, double value) {
  return Register(key, at::full(sizes, value, tensor_));
}

at::Tensor ParameterMaker::ConstantBuffer(const std::string& key, at::IntArrayRef sizes,
                                          double value) {
  at::Tensor buffer = at::full(sizes, value, tensor_);
  state_->buffers.push_back({key, buffer});
  return buffer;
}

at::Tensor ParameterMaker::CounterBuffer(const std::string& key) {
  at::Tensor buffer = at::zeros({}, tensor_.dtype(at::kLong));
  state_->buffers.push_back({key, buffer});
  return buffer;
}

at::Tensor ParameterMaker::TableBuffer(const std::string& key, const at::Tensor& value) {
  at::Tensor buffer = value.to(tensor_);
  state_->buffers.push_back({key, buffer});
  return buffer;
}

at::Tensor ParameterMaker::Table(const std::string& name, const at::Tensor& value) {
  at::Tensor table = value.to(tensor_.device());
  state_->constants.push_back({name, table});
  return table;
}

StepLog* ParameterMaker::Log(std::vector<at::Tensor> averages, at::Tensor counter, double rate) {
  state_->step_logs.push_back(
      std::make_unique<StepLog>(std::move(averages), std::move(counter), rate));
  return state_->step_logs.back().get();
}

at::Tensor ParameterMaker::Register(const std::string& key, at::Tensor value) {
  value.set_requires_grad(true);
  state_->parameters.push_back({key, value});
  return value;
}

}  // namespace slimreel
