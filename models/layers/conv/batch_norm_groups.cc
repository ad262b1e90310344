#include "models/layers/conv/batch_norm_groups.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "models/layers/conv/batch_norm_loops.h"
#include "models/layers/shared_work.h"

namespace slimreel {
namespace {

GroupLayout LayoutOf(const at::Tensor& x, int64_t group) {
  const int64_t batch = x.size(0), channels = x.size(1);
  return {batch, channels, batch * channels == 0 ? 0 : x.numel() / (batch * channels),
          std::clamp<int64_t>(group, 1, batch)};
}

// [C] or [G, C] as contiguous float64, to read values by channel.
at::Tensor AsDouble(const at::Tensor& x) { return x.detach().to(at::kDouble).contiguous(); }

at::Tensor EmptyStatistics(const GroupLayout& layout) {
  return at::empty({layout.groups(), layout.channels}, at::TensorOptions().dtype(at::kDouble));
}

// Calls body(where, index into the statistics).
template <typename Body>
void ForEachChannel(const GroupLayout& layout, const Body& body) {
  ForEachPiece(layout.channels, layout.batch * layout.inside, [&](int64_t c) {
    for (int64_t g = 0; g < layout.groups(); ++g) {
      body(ChannelOfGroup{layout, g, c}, g * layout.channels + c);
    }
  });
}

// Copies `part` to sample `begin` of `whole`, which the first call makes.
void Place(at::Tensor part, at::IntArrayRef sizes, int64_t begin, at::Tensor& whole) {
  if (part.size(0) == sizes[0]) {
    whole = std::move(part);
    return;
  }
  if (!whole.defined()) whole = at::empty(sizes, part.options());
  whole.narrow(0, begin, part.size(0)).copy_(part);
}

// Each group's result is copied to its place at once. Concatenating them at the end would
// hold them twice. ATen gives the unbiased variance only as a step of running statistics. With
// momentum 1 the zeros of the log become the group's own values.
Normalised NormaliseByAten(const NormCall& call, const at::Tensor& x, const at::Tensor& log) {
  const GroupLayout layout = LayoutOf(x, call.group);
  Normalised out;
  std::vector<at::Tensor> means, inverse_stds;
  for (int64_t g = 0; g < layout.groups(); ++g) {
    const int64_t begin = layout.begin(g), count = layout.end(g) - begin;
    auto [y, mean, inverse_std] = at::native_batch_norm(
        x.narrow(0, begin, count), call.weight, call.bias,
        log.defined() ? log.select(0, g).select(0, 0) : at::Tensor(),
        log.defined() ? log.select(0, g).select(0, 1) : at::Tensor(), /*training=*/true,
        /*momentum=*/1.0, call.eps);
    Place(std::move(y), x.sizes(), begin, out.y);
    means.push_back(std::move(mean));
    inverse_stds.push_back(std::move(inverse_std));
  }
  out.statistics = {at::stack(means), at::stack(inverse_stds)};
  return out;
}

NormGradients BackwardByAten(const NormCall& call, const at::Tensor& x,
                             const GroupStatistics& statistics, const at::Tensor& grad,
                             std::array<bool, 3> need) {
  const GroupLayout layout = LayoutOf(x, call.group);
  NormGradients out;
  const auto add = [](at::Tensor& sum, at::Tensor term) {
    sum = sum.defined() ? sum.add_(term) : std::move(term);
  };
  for (int64_t g = 0; g < layout.groups(); ++g) {
    const int64_t begin = layout.begin(g), count = layout.end(g) - begin;
    auto [grad_x, grad_weight, grad_bias] = at::native_batch_norm_backward(
        grad.narrow(0, begin, count), x.narrow(0, begin, count), call.weight, {}, {},
        statistics.mean[g], statistics.inverse_std[g], /*train=*/true, call.eps, need);
    if (need[0]) Place(std::move(grad_x), x.sizes(), begin, out.x);
    if (need[1]) add(out.weight, std::move(grad_weight));
    if (need[2]) add(out.bias, std::move(grad_bias));
  }
  return out;
}

at::Tensor ApplyTailByAten(at::Tensor y, const NormTail& tail) {
  if (tail.residual.defined()) y.add_(tail.residual);
  if (tail.relu) y.relu_();
  return y;
}

// The tail of a call in x's dtype and layout, and where its result goes.
struct Output {
  at::Tensor residual, y;
};
Output MakeOutput(const at::Tensor& x, const NormTail& tail) {
  Output out;
  if (tail.residual.defined()) out.residual = tail.residual.to(x.scalar_type()).contiguous();
  out.y = tail.overwrite_residual ? out.residual : at::empty_like(x);
  return out;
}

// norm(x) = x alpha + beta, rounded like the values (T's) that it is made for.
struct Affine {
  double alpha, beta;
};
template <typename T>
Affine AffineOf(double mean, double inverse_std, double weight, double bias) {
  using W = Wide<T>;
  const W alpha = static_cast<W>(inverse_std) * static_cast<W>(weight);
  return {alpha, std::fma(-static_cast<W>(mean), alpha, static_cast<W>(bias))};
}

// Rounded step by step as ATen does.
template <typename T>
double InverseStd(const Moments& moments, double eps) {
  using W = Wide<T>;
  const W variance = static_cast<W>(moments.squares) / static_cast<W>(moments.n);
  return static_cast<W>(1.0 / std::sqrt(static_cast<double>(variance) + eps));
}

#define SLIMREEL_DISPATCH_NORM(DTYPE, ...) \
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, DTYPE, "batch_norm", __VA_ARGS__)

}  // namespace

Normalised NormaliseGroups(const NormCall& call, const at::Tensor& x, const at::Tensor& log,
                           const NormTail& tail) {
  if (!x.is_cpu()) {
    Normalised out = NormaliseByAten(call, x, log);
    out.y = ApplyTailByAten(std::move(out.y), tail);
    return out;
  }
  const GroupLayout layout = LayoutOf(x, call.group);
  const at::Tensor input = x.contiguous(), weight = AsDouble(call.weight),
                   bias = AsDouble(call.bias);
  const Output output = MakeOutput(input, tail);
  const GroupStatistics statistics{EmptyStatistics(layout), EmptyStatistics(layout)};
  SLIMREEL_DISPATCH_NORM(x.scalar_type(), [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    const scalar_t* residual =
        output.residual.defined() ? output.residual.const_data_ptr<scalar_t>() : nullptr;
    scalar_t* y = output.y.data_ptr<scalar_t>();
    const double *w = weight.const_data_ptr<double>(), *b = bias.const_data_ptr<double>();
    double* means = statistics.mean.data_ptr<double>();
    double* inverse_stds = statistics.inverse_std.data_ptr<double>();
    double* logged = log.defined() ? log.data_ptr<double>() : nullptr;
    ForEachChannel(layout, [&](const ChannelOfGroup& where, int64_t at) {
      const Moments moments = MomentsOf(where, values);
      const int64_t c = where.channel;
      means[at] = moments.mean;
      inverse_stds[at] = InverseStd<scalar_t>(moments, call.eps);
      const Affine affine = AffineOf<scalar_t>(means[at], inverse_stds[at], w[c], b[c]);
      Scale<scalar_t>(where, {values, affine.alpha, affine.beta, residual, tail.relu, y});
      if (logged == nullptr) return;
      double* of_group = logged + where.group * 2 * layout.channels;
      of_group[c] = moments.mean;
      of_group[layout.channels + c] = moments.squares / (moments.n - 1);
    });
  });
  return {output.y, statistics};
}

at::Tensor NormaliseFromStatistics(const NormCall& call, const at::Tensor& x,
                                   const GroupStatistics& statistics, const NormTail& tail) {
  if (!x.is_cpu()) {
    return ApplyTailByAten(NormaliseByAten(call, x, /*log=*/{}).y, tail);
  }
  const GroupLayout layout = LayoutOf(x, call.group);
  const at::Tensor input = x.contiguous(), weight = AsDouble(call.weight),
                   bias = AsDouble(call.bias);
  const Output output = MakeOutput(input, tail);
  SLIMREEL_DISPATCH_NORM(x.scalar_type(), [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    const scalar_t* residual =
        output.residual.defined() ? output.residual.const_data_ptr<scalar_t>() : nullptr;
    scalar_t* y = output.y.data_ptr<scalar_t>();
    const double *w = weight.const_data_ptr<double>(), *b = bias.const_data_ptr<double>();
    const double* means = statistics.mean.const_data_ptr<double>();
    const double* inverse_stds = statistics.inverse_std.const_data_ptr<double>();
    ForEachChannel(layout, [&](const ChannelOfGroup& where, int64_t at) {
      const int64_t c = where.channel;
      const Affine affine = AffineOf<scalar_t>(means[at], inverse_stds[at], w[c], b[c]);
      Scale<scalar_t>(where, {values, affine.alpha, affine.beta, residual, tail.relu, y});
    });
  });
  return output.y;
}

bool CanBackwardThroughRelu(const at::Tensor& x) { return x.is_cpu(); }

NormGradients NormaliseBackward(const NormCall& call, const at::Tensor& x,
                                const GroupStatistics& statistics, const at::Tensor& grad,
                                std::array<bool, 3> need, bool through_relu) {
  TORCH_CHECK(!through_relu || CanBackwardThroughRelu(x), "no backward through ReLU on ",
              x.device());
  const at::Tensor grads_as_x = grad.to(x.scalar_type());
  if (!x.is_cpu()) return BackwardByAten(call, x, statistics, grads_as_x, need);
  const GroupLayout layout = LayoutOf(x, call.group);
  const at::Tensor input = x.contiguous(), grad_y = grads_as_x.contiguous(),
                   weight = AsDouble(call.weight), bias = AsDouble(call.bias);
  NormGradients out;
  if (need[0]) out.x = at::empty_like(input);
  at::Tensor weight_sums = at::zeros_like(weight), bias_sums = at::zeros_like(weight);
  SLIMREEL_DISPATCH_NORM(x.scalar_type(), [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    const scalar_t* grads = grad_y.const_data_ptr<scalar_t>();
    scalar_t* grad_x = need[0] ? out.x.data_ptr<scalar_t>() : nullptr;
    const double *w = weight.const_data_ptr<double>(), *b = bias.const_data_ptr<double>();
    const double* means = statistics.mean.const_data_ptr<double>();
    const double* inverse_stds = statistics.inverse_std.const_data_ptr<double>();
    double *grad_weight = weight_sums.data_ptr<double>(), *grad_bias = bias_sums.data_ptr<double>();
    ForEachChannel(layout, [&](const ChannelOfGroup& where, int64_t at) {
      const int64_t c = where.channel;
      const double inverse_std = inverse_stds[at], n = layout.values(where.group);
      const Affine affine = AffineOf<scalar_t>(means[at], inverse_std, w[c], b[c]);
      const GradientLoop<scalar_t> loop{values,       grads,       through_relu,
                                        affine.alpha, affine.beta, means[at]};
      const GradientSums sums = SumGradients(where, loop);
      grad_weight[c] += sums.product * inverse_std;
      grad_bias[c] += sums.grad;
      if (!grad_x) return;
      SpreadGradient(where, loop, sums.grad / n, sums.product * inverse_std * inverse_std / n,
                     inverse_std * w[c], grad_x);
    });
  });
  if (need[1]) out.weight = weight_sums.to(call.weight.scalar_type());
  if (need[2]) out.bias = bias_sums.to(call.bias.scalar_type());
  return out;
}

#undef SLIMREEL_DISPATCH_NORM

}  // namespace slimreel
