#include "models/testing/stand_in_device.h"

#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

constexpr auto kDevice = c10::DeviceType::PrivateUse1;

std::atomic<int64_t> num_uploads{0}, num_downloads{0};
thread_local int depth = 0;  // operations that run; what they move themselves is no traffic

struct Inside {
  Inside() { ++depth; }
  ~Inside() { --depth; }
};

// One device with one stream.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kDevice> {
  c10::Device exchangeDevice(c10::Device /*device*/) const override { return {kDevice, 0}; }
  c10::Device getDevice() const override { return {kDevice, 0}; }
  c10::Stream getStream(c10::Device /*device*/) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, {kDevice, 0});
  }
  c10::Stream exchangeStream(c10::Stream /*stream*/) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, {kDevice, 0});
  }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return true; }
};

class HostMemory final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    return {data, data, &std::free, c10::Device(kDevice, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
  bool initialized() override { return false; }  // it has no statistics and keeps no blocks
  void emptyCache(c10::MempoolId_t /*pool*/) override {}
  void recordStream(const c10::DataPtr& /*data*/, c10::Stream /*stream*/) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*index*/) override {
    return {};
  }
  void resetAccumulatedStats(c10::DeviceIndex /*index*/) override {}
  void resetPeakStats(c10::DeviceIndex /*index*/) override {}
};

HostMemory memory;

at::Tensor Empty(at::IntArrayRef sizes, std::optional<at::ScalarType> dtype,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &memory,
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::kFloat), format);
}

at::Tensor EmptyStrided(at::IntArrayRef sizes, at::IntArrayRef strides,
                        std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           dtype.value_or(at::kFloat));
}

// The same memory as a tensor of the host.
at::Tensor OnHost(const at::Tensor& x) {
  if (x.is_cpu()) return x;
  return at::from_blob(x.data_ptr(), x.sizes(), x.strides(), at::TensorOptions(x.scalar_type()));
}

at::Tensor CopyFrom(const at::Tensor& from, const at::Tensor& to, bool /*non_blocking*/) {
  if (depth == 0 && from.is_cpu() && from.dim() > 0) ++num_uploads;
  if (depth == 0 && to.is_cpu()) ++num_downloads;
  const Inside inside;
  OnHost(to).copy_(OnHost(from));
  return to;
}

at::Tensor CopyFromAndResize(const at::Tensor& from, const at::Tensor& to) {
  if (to.numel() != from.numel()) to.resize_(from.sizes());
  return CopyFrom(from, to, false);
}

at::Scalar Item(const at::Tensor& x) {
  if (depth == 0) ++num_downloads;
  const Inside inside;
  return OnHost(x).item();
}

const at::Tensor& Resize(const at::Tensor& x, at::IntArrayRef sizes,
                         std::optional<at::MemoryFormat> /*format*/) {
  int64_t values = 1;
  for (int64_t size : sizes) values *= size;
  const size_t bytes = values * x.element_size();
  if (x.storage().nbytes() < bytes) {
    x.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(memory.allocate(bytes));
    x.storage().unsafeGetStorageImpl()->set_nbytes(bytes);
  }
  x.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return x;
}

at::Tensor Convolution(const at::Tensor& x, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                       at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                       at::IntArrayRef output_padding, int64_t groups) {
  const Inside inside;
  std::optional<at::Tensor> host_bias;
  if (bias && bias->defined()) host_bias = OnHost(*bias);
  return at::convolution(OnHost(x), OnHost(weight), host_bias, stride, padding, dilation,
                         transposed, output_padding, groups)
      .to(x.device());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> ConvolutionBackward(
    const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef stride,
    at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, int64_t groups, std::array<bool, 3> wanted) {
  const Inside inside;
  const int64_t channels = transposed ? weight.size(1) * groups : weight.size(0);
  const auto [grad_x, grad_weight, grad_bias] = at::convolution_backward(
      OnHost(grad), OnHost(x), OnHost(weight), at::IntArrayRef(channels), stride, padding, dilation,
      transposed, output_padding, groups, wanted);
  const auto back = [&](const at::Tensor& made) {
    return made.defined() ? made.to(x.device()) : made;
  };
  return {back(grad_x), back(grad_weight), back(grad_bias)};
}

// Runs the CPU's kernel on the same memory, so that whatever it changes is changed.
class HostCall {
 public:
  c10::IValue Argument(const c10::IValue& value) {
    if (value.isTensor() && value.toTensor().defined()) return Alias(value.toTensor());
    if (value.isTensorList()) {
      c10::List<at::Tensor> aliases;
      for (const at::Tensor& tensor : value.toTensorVector()) aliases.push_back(Alias(tensor));
      return aliases;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> aliases;
      for (const std::optional<at::Tensor> tensor : value.toOptionalTensorList()) {
        aliases.push_back(tensor ? std::optional(Alias(*tensor)) : std::nullopt);
      }
      return aliases;
    }
    return value;
  }

  c10::IValue Result(const c10::IValue& value) const {
    if (value.isTensor() && value.toTensor().defined()) return ToDevice(value.toTensor());
    if (!value.isTensorList()) return value;
    c10::List<at::Tensor> moved;
    for (const at::Tensor& tensor : value.toTensorVector()) moved.push_back(ToDevice(tensor));
    return moved;
  }

  // After the kernel: gives tensors that it resized their content.
  void TakeGrown() const {
    for (const auto& [alias, original] : pairs_) {
      if (original.numel() != alias.numel()) original.resize_(alias.sizes()).copy_(alias);
    }
  }

 private:
  at::Tensor Alias(const at::Tensor& tensor) {
    TORCH_CHECK(!tensor.defined() || !tensor.is_cpu() || tensor.dim() == 0,
                "a tensor of the host meets tensors of the device");
    if (!tensor.defined() || tensor.is_cpu()) return tensor;
    const bool grows = tensor.numel() == 0;  // an `out` that the kernel will resize
    pairs_.emplace_back(grows ? at::empty(tensor.sizes(), tensor.scalar_type()) : OnHost(tensor),
                        tensor);
    return pairs_.back().first;
  }
  at::Tensor ToDevice(const at::Tensor& tensor) const {
    for (const auto& [alias, original] : pairs_) {
      if (alias.is_same(tensor)) return original;
    }
    return tensor.to(at::Device(kDevice, 0));
  }

  std::vector<std::pair<at::Tensor, at::Tensor>> pairs_;
};

void Fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const Inside inside;
  HostCall call;
  const auto arguments = static_cast<int64_t>(op.schema().arguments().size());
  for (auto at = stack->end() - arguments; at != stack->end(); ++at) *at = call.Argument(*at);
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.TakeGrown();
  const auto results = static_cast<int64_t>(op.schema().returns().size());
  for (auto at = stack->end() - results; at != stack->end(); ++at) *at = call.Result(*at);
}

}  // namespace

at::Device StandInDevice() {
  static const auto* const kernels = [] {
    c10::SetAllocator(kDevice, &memory);
    const c10::impl::DeviceGuardImplRegistrar guard(kDevice, new Guard());
    at::RegisterPrivateUse1HooksInterface(new Hooks());
    c10::register_privateuse1_backend("stand_in");
    auto* library = new std::pair<torch::Library, torch::Library>(
        MAKE_TORCH_LIBRARY_IMPL(aten, PrivateUse1), MAKE_TORCH_LIBRARY_IMPL(_, PrivateUse1));
    library->second.fallback(torch::CppFunction::makeFromBoxedFunction<&Fallback>());
    torch::Library& own = library->first;
    own.impl("empty.memory_format", &Empty);
    own.impl("empty_strided", &EmptyStrided);
    own.impl("as_strided", &at::native::as_strided_tensorimpl);
    own.impl("view", &at::native::view);
    own.impl("resize_", &Resize);
    own.impl("_copy_from", &CopyFrom);
    own.impl("_copy_from_and_resize", &CopyFromAndResize);
    own.impl("_local_scalar_dense", &Item);
    own.impl("_reshape_alias", &at::native::_reshape_alias);
    own.impl("unfold", &at::native::unfold);
    own.impl("convolution_overrideable", &Convolution);
    own.impl("convolution_backward_overrideable", &ConvolutionBackward);
    return library;
  }();
  static_cast<void>(kernels);
  return at::Device(kDevice, 0);
}

LinkTraffic TakeLinkTraffic() { return {num_uploads.exchange(0), num_downloads.exchange(0)}; }

}  // namespace slimreel
