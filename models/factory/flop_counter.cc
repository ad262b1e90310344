#include "models/factory/flop_counter.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>

namespace slimreel {
namespace {

using Values = c10::ArrayRef<const c10::IValue>;
using Formula = int64_t (*)(Values inputs);

// The counts of this thread. `depth`: number of counted operations that run now. If one of them
// calls another (a convolution calls its matrix product), the inner one is not counted again.
thread_local int64_t counted = 0;
thread_local int64_t depth = 0;

int64_t ProductOf(const at::Tensor& a, const at::Tensor& b) { return 2 * a.numel() * b.size(-1); }

// mm(a [M, K], b [K, N]), bmm(a [B, M, K], b [B, K, N])
int64_t MatrixProduct(Values in) { return ProductOf(in[0].toTensor(), in[1].toTensor()); }
// addmm and baddbmm(base, a, b)
int64_t AddedMatrixProduct(Values in) { return ProductOf(in[1].toTensor(), in[2].toTensor()); }
// mv(a [M, K], v [K]), dot(v, v)
int64_t VectorProduct(Values in) { return 2 * in[0].toTensor().numel(); }

// query [B, H, L, E], key [B, H, S, E], value [B, H, S, V]
int64_t Attention(Values in) {
  const at::Tensor &query = in[0].toTensor(), &key = in[1].toTensor(), &value = in[2].toTensor();
  return 2 * (query.numel() / query.size(-1)) * key.size(-2) * (query.size(-1) + value.size(-1));
}

// convolution(input [N, C, ...], weight, bias, stride, padding, dilation, transposed,
// output_padding, groups). weight [O, C / groups, kernel...], transposed [C, O / groups, kernel...]
int64_t Convolution(Values in) {
  const at::Tensor &input = in[0].toTensor(), &weight = in[1].toTensor();
  const int64_t per_filter = weight.numel() / weight.size(0);
  if (in[6].toBool())
    return 2 * input.numel() * per_filter;  // every input value meets O / groups kernels
  const auto stride = in[3].toIntVector(), padding = in[4].toIntVector(),
             dilation = in[5].toIntVector();
  int64_t outputs = input.size(0) * weight.size(0);
  for (int64_t d = 0; d < input.dim() - 2; ++d) {
    const auto at = [d](const std::vector<int64_t>& list) {
      return list[std::min<size_t>(d, list.size() - 1)];
    };
    const int64_t reach = at(dilation) * (weight.size(d + 2) - 1) + 1;
    outputs *= (input.size(d + 2) + 2 * at(padding) - reach) / at(stride) + 1;
  }
  return 2 * outputs * per_filter;
}

constexpr std::pair<std::string_view, Formula> kFormulas[] = {
    {"aten::convolution", Convolution},
    {"aten::mm", MatrixProduct},
    {"aten::bmm", MatrixProduct},
    {"aten::addmm", AddedMatrixProduct},
    {"aten::addmm_", AddedMatrixProduct},
    {"aten::baddbmm", AddedMatrixProduct},
    {"aten::baddbmm_", AddedMatrixProduct},
    {"aten::mv", VectorProduct},
    {"aten::dot", VectorProduct},
    {"aten::scaled_dot_product_attention", Attention},
    {"aten::_scaled_dot_product_flash_attention_for_cpu", Attention},
};

const std::pair<std::string_view, Formula>* FormulaOf(const at::RecordFunction& call) {
  const auto* found = std::find_if(std::begin(kFormulas), std::end(kFormulas),
                                   [&](const auto& row) { return row.first == call.name(); });
  return found == std::end(kFormulas) ? nullptr : found;
}

std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& call) {
  const auto* row = FormulaOf(call);
  if (row != nullptr && depth++ == 0) counted += row->second(call.inputs());
  return nullptr;
}

void OnEnd(const at::RecordFunction& call, at::ObserverContext* /*context*/) {
  if (FormulaOf(call) != nullptr) --depth;
}

}  // namespace

FlopCounter::FlopCounter()
    : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&OnStart, &OnEnd)
                                             .needsInputs(true)
                                             .scopes({at::RecordScope::FUNCTION}))),
      begin_(counted) {}

FlopCounter::~FlopCounter() { at::removeCallback(handle_); }

int64_t FlopCounter::flops() const { return counted - begin_; }

}  // namespace slimreel
