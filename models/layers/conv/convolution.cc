#include "models/layers/conv/convolution.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/conv_transpose3d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "models/layers/autocast.h"
#include "models/layers/conv/convolution_product.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::vector<int64_t> WeightSizes(const ConvolutionShape& shape) {
  std::vector<int64_t> sizes{shape.outputs, shape.inputs};
  if (shape.transposed) std::swap(sizes[0], sizes[1]);
  sizes.insert(sizes.end(), shape.kernel.begin(), shape.kernel.end());
  return sizes;
}

// Transposed: the default initialisation of torch.nn.ConvTranspose3d, which mmaction2 keeps:
// uniform in +-1 / sqrt(fan in), with the fan in of the stored shape.
at::Tensor MakeWeight(ParameterMaker& make, const std::string& key, const ConvolutionShape& shape) {
  const std::vector<int64_t> sizes = WeightSizes(shape);
  if (!shape.transposed) return make.KaimingNormalFanOut(key, sizes);
  double fan_in = static_cast<double>(shape.outputs);
  for (int64_t k : shape.kernel) fan_in *= static_cast<double>(k);
  return make.Uniform(key, sizes, 1.0 / std::sqrt(fan_in));
}

bool All(const std::vector<int64_t>& list, int64_t value) {
  return std::all_of(list.begin(), list.end(), [value](int64_t x) { return x == value; });
}

}  // namespace

// Apply with the Backward below, for convolutions whose autograd backward is slow.
struct Convolution::OwnBackward : torch::autograd::Function<OwnBackward> {
  struct Call : torch::CustomClassHolder {
    const Convolution* convolution;
  };

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const c10::intrusive_ptr<Call>& call) {
    context->save_for_backward({x, weight});
    context->saved_data["call"] = c10::IValue::make_capsule(call);
    return call->convolution->Apply(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto call =
        c10::static_intrusive_pointer_cast<Call>(context->saved_data["call"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    Gradients g = call->convolution->Backward(
        grads[0], saved[0], saved[1], context->needs_input_grad(0), context->needs_input_grad(1));
    return {std::move(g.x), std::move(g.weight), at::Tensor()};
  }
};

Convolution::Convolution(ParameterMaker& make, const std::string& prefix,
                         const ConvolutionShape& shape)
    : weight_(MakeWeight(make, prefix + ".weight", shape)),
      stride_(shape.stride),
      transposed_(shape.transposed) {
  TORCH_CHECK(shape.kernel.size() == shape.stride.size() &&
                  (shape.kernel.size() == 3 || (shape.kernel.size() == 2 && !shape.transposed)),
              prefix, ": a kernel of ", shape.kernel.size(), " and a stride of ",
              shape.stride.size(), " dimensions; both have 3, or 2 if not transposed");
  for (size_t i = 0; i < shape.kernel.size(); ++i) {
    padding_.push_back(shape.kernel[i] / 2);
    output_padding_.push_back(transposed_ ? stride_[i] - 1 : 0);
  }
}

// Note [Short clips in bfloat16]
// oneDNN's weight gradient of a 3-D convolution in bfloat16 on the CPU reads uninitialised
// memory if the clip is shorter than the kernel but longer than one frame, with stride 1 in
// time. Seen in LibTorch 2.13: T = 2 with kernel 3, T = 2..6 with kernel 7; relative errors
// from 1 to 1e38. A clip of 16 frames has T = 2 in the last layer of R3D. Such a convolution
// computes in float32, and its result is rounded as usual.
bool Convolution::NeedsFloat32(const at::Tensor& x) const {
  if (!x.is_cpu() || x.scalar_type() != at::kBFloat16 || stride_.size() != 3) return false;
  const int64_t kernel = 2 * padding_[0] + 1;
  return stride_[0] == 1 && x.size(2) > 1 && x.size(2) < kernel;
}

bool Convolution::SubsamplesFirst() const {
  return !transposed_ && All(padding_, 0) && !All(stride_, 1);
}

bool Convolution::UsesProduct(const at::Tensor& x) const {
  return !transposed_ && All(stride_, 1) && ShouldUseProducts(x, weight_);
}

// Note [Kernels of one subsample first]
// A strided convolution whose kernel is one everywhere (the shortcuts of residual
// networks) never reads most of its input. Backward takes the elements that are read first
// and then runs without stride, because oneDNN's strided backward uses another memory
// layout and copies. Forward stays strided: without stride its sums would be rounded in
// another order than PyTorch's, and elements could change sides at a ReLU.
at::Tensor Convolution::Subsample(const at::Tensor& x) const {
  at::Tensor read = x;
  for (size_t i = 0; i < stride_.size(); ++i) {
    if (stride_[i] > 1) {
      read = read.slice(static_cast<int64_t>(2 + i), 0, std::nullopt, stride_[i]);
    }
  }
  return read;
}

at::Tensor Convolution::Convolve(const at::Tensor& x, const at::Tensor& weight) const {
  if (transposed_) return at::conv_transpose3d(x, weight, {}, stride_, padding_, output_padding_);
  return stride_.size() == 2 ? at::conv2d(x, weight, {}, stride_, padding_)
                             : at::conv3d(x, weight, {}, stride_, padding_);
}

at::Tensor Convolution::Forward(const at::Tensor& x) const {
  const at::Tensor weight = CastForProduct(weight_);
  const WithoutAutocast cast_already;
  const at::Tensor input = x.to(weight.scalar_type());
  const bool own = SubsamplesFirst() || UsesProduct(input);
  if (!own || !c10::GradMode::is_enabled()) return Apply(input, weight);
  auto call = c10::make_intrusive<OwnBackward::Call>();
  call->convolution = this;
  return OwnBackward::apply(input, weight, call);
}

at::Tensor Convolution::Apply(const at::Tensor& x, const at::Tensor& weight) const {
  if (UsesProduct(x) && ProductIsBitIdentical(weight)) return ProductForward(x, weight);
  if (!NeedsFloat32(x)) return Convolve(x, weight);
  return Convolve(x.to(at::kFloat), weight.to(at::kFloat)).to(x.scalar_type());
}

Convolution::Gradients Convolution::Backward(const at::Tensor& grad, const at::Tensor& x,
                                             const at::Tensor& weight, bool need_x,
                                             bool need_weight) const {
  if (NeedsFloat32(x)) {
    Gradients wide =
        Backward(grad.to(at::kFloat), x.to(at::kFloat), weight.to(at::kFloat), need_x, need_weight);
    if (need_x) wide.x = wide.x.to(x.scalar_type());
    if (need_weight) wide.weight = wide.weight.to(weight.scalar_type());
    return wide;
  }
  if (UsesProduct(x)) {
    return {need_x ? ProductGradientOfInput(grad, weight) : at::Tensor(),
            need_weight ? ProductGradientOfWeight(grad, x, weight) : at::Tensor()};
  }
  const std::vector<int64_t> ones(stride_.size(), 1);
  const bool subsamples = SubsamplesFirst();
  auto [grad_x, grad_weight, grad_bias] = at::convolution_backward(
      grad, subsamples ? Subsample(x) : x, weight, at::OptionalIntArrayRef(),
      subsamples ? ones : stride_, padding_, /*dilation=*/ones, transposed_, output_padding_,
      /*groups=*/1, {need_x, need_weight, false});
  if (subsamples && need_x) {
    at::Tensor whole = at::zeros(x.sizes(), grad_x.options());
    Subsample(whole).copy_(grad_x);
    grad_x = std::move(whole);
  }
  return {std::move(grad_x), std::move(grad_weight)};
}

}  // namespace slimreel
