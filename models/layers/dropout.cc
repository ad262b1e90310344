#include "models/layers/dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "models/layers/shared_work.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kPiece = 16384;  // elements per piece of work: about 30 us

template <typename T>
void DropOnCpu(const StageContext& context, uint64_t layer_id, double probability, int64_t batch,
               int64_t elements, const T* in, T* out) {
  const uint32_t threshold = DropThreshold(probability);
  // Narrow types are multiplied in float32 and rounded once, like ATen's product with a scalar.
  using Wide = at::opmath_type<T>;
  const Wide scale = static_cast<Wide>(1.0 / (1.0 - probability));
  const int64_t pieces = (elements + kPiece - 1) / kPiece;  // per sample
  ForEachPiece(batch * pieces, kPiece, [&](int64_t piece) {
    const int64_t b = piece / pieces, begin = piece % pieces * kPiece, offset = b * elements;
    const uint64_t key = SampleRandomKey(context, layer_id, context.first_position + b);
    for (int64_t i = begin; i < std::min(begin + kPiece, elements); ++i) {
      out[offset + i] = KeyedDraw(key, i) >= threshold
                            ? static_cast<T>(static_cast<Wide>(in[offset + i]) * scale)
                            : T(0);
    }
  });
}

at::Tensor Drop(const StageContext& context, uint64_t layer_id, double probability,
                const at::Tensor& x) {
  if (x.numel() == 0) return x.clone();
  const at::Tensor in = x.contiguous();
  const int64_t batch = in.size(0);
  const int64_t elements = in.numel() / batch;
  if (!in.is_cpu()) {
    at::Tensor keep = KeyedKeepMask(context, layer_id, batch, elements, probability, in.device());
    return in.mul(1.0 / (1.0 - probability)).masked_fill_(keep.logical_not_().view_as(in), 0);
  }
  at::Tensor out = at::empty_like(in);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, in.scalar_type(), "keyed_dropout", [&] {
    DropOnCpu<scalar_t>(context, layer_id, probability, batch, elements,
                        in.const_data_ptr<scalar_t>(), out.mutable_data_ptr<scalar_t>());
  });
  return out;
}

// KeyedPathFactors on the CPU.
at::Tensor FactorsByLoop(const StageContext& context, uint64_t layer_id, int64_t batch,
                         double probability, at::ScalarType dtype) {
  const uint32_t threshold = DropThreshold(probability);
  std::vector<double> factors(batch);
  for (int64_t b = 0; b < batch; ++b) {
    const uint64_t key = SampleRandomKey(context, layer_id, context.first_position + b);
    factors[b] = KeyedDraw(key, 0) >= threshold ? 1.0 / (1.0 - probability) : 0.0;
  }
  return at::tensor(factors, dtype);
}

struct DropoutFunction : torch::autograd::Function<DropoutFunction> {
  static at::Tensor forward(AutogradContext* saved, const at::Tensor& x, int64_t seed, int64_t step,
                            int64_t first_position, int64_t layer_id, double probability) {
    saved->saved_data["seed"] = seed;
    saved->saved_data["step"] = step;
    saved->saved_data["first_position"] = first_position;
    saved->saved_data["layer_id"] = layer_id;
    saved->saved_data["probability"] = probability;
    return Drop(Context(seed, step, first_position), static_cast<uint64_t>(layer_id), probability,
                x);
  }

  static variable_list backward(AutogradContext* saved, variable_list grad) {
    auto& data = saved->saved_data;
    const StageContext context =
        Context(data["seed"].toInt(), data["step"].toInt(), data["first_position"].toInt());
    return {Drop(context, static_cast<uint64_t>(data["layer_id"].toInt()),
                 data["probability"].toDouble(), grad[0]),
            {},
            {},
            {},
            {},
            {}};
  }

  static StageContext Context(int64_t seed, int64_t step, int64_t first_position) {
    StageContext context;
    context.seed = static_cast<uint64_t>(seed);
    context.step = step;
    context.first_position = first_position;
    return context;
  }
};

}  // namespace

at::Tensor Dropout::Forward(const StageContext& context, const at::Tensor& x) const {
  if (!active(context)) return x;
  return DropoutFunction::apply(x, static_cast<int64_t>(context.seed), context.step,
                                context.first_position, static_cast<int64_t>(layer_id()),
                                probability());
}

at::Tensor DropPath::Forward(const StageContext& context, const at::Tensor& x) const {
  if (!active(context)) return x;
  // A factor rounded to a narrow dtype would shift the mean, so narrow x is multiplied in float32.
  const at::ScalarType dtype = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::TensorOptions options = at::TensorOptions(dtype).device(x.device());
  const at::Tensor factors =
      x.is_cpu() ? FactorsByLoop(context, layer_id(), x.size(0), probability(), dtype)
                 : KeyedPathFactors(context, layer_id(), x.size(0), probability(), options);
  std::vector<int64_t> sizes(x.dim(), 1);
  sizes[0] = x.size(0);
  return x.mul(factors.view(sizes));
}

}  // namespace slimreel
