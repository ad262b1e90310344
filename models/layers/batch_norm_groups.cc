#include "models/layers/batch_norm_groups.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

// Values are computed in float, or in double where they are double.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

struct Layout {
  int64_t batch, channels, inside, group;

  Layout(const at::Tensor& x, int64_t group_size)
      : batch(x.size(0)), channels(x.size(1)), group(std::clamp<int64_t>(group_size, 1, batch)) {
    inside = batch * channels == 0 ? 0 : x.numel() / (batch * channels);
  }

  int64_t groups() const { return (batch + group - 1) / group; }
  int64_t begin(int64_t g) const { return g * group; }
  int64_t end(int64_t g) const { return std::min(batch, (g + 1) * group); }
  int64_t offset(int64_t sample, int64_t channel) const {
    return (sample * channels + channel) * inside;
  }
  double values(int64_t g) const { return static_cast<double>((end(g) - begin(g)) * inside); }
};

// Values are added up in their own precision inside a block that stays in the first
// cache, in interleaved parts that a processor adds up side by side; float64 takes
// over between blocks.
constexpr int64_t kBlock = 256;
constexpr int64_t kParts = 16;

template <typename W>
struct PartialSums {
  std::array<W, kParts> parts{};

  double total() const {
    double sum = 0;
    for (W part : parts) sum += part;
    return sum;
  }
};

// add(part, i) for each i < n.
template <typename Add>
void AddUp(int64_t n, const Add& add) {
  int64_t i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (int64_t part = 0; part < kParts; ++part) add(part, i + part);
  }
  for (; i < n; ++i) add(i % kParts, i);
}

// [C] or [G, C] in float64, to be read by channel.
at::Tensor AsDouble(const at::Tensor& x) { return x.detach().to(at::kDouble).contiguous(); }

at::Tensor EmptyStatistics(const Layout& layout) {
  return at::empty({layout.groups(), layout.channels}, at::TensorOptions().dtype(at::kDouble));
}

template <typename T>
void Scale(const Layout& layout, const T* x, int64_t g, int64_t c, double alpha, double beta,
           T* y) {
  const auto a = static_cast<Wide<T>>(alpha), b = static_cast<Wide<T>>(beta);
  for (int64_t sample = layout.begin(g); sample < layout.end(g); ++sample) {
    const int64_t at = layout.offset(sample, c);
    for (int64_t i = 0; i < layout.inside; ++i) {
      y[at + i] = static_cast<T>(static_cast<Wide<T>>(x[at + i]) * a + b);
    }
  }
}

struct Moments {
  double n = 0, mean = 0, squares = 0;  // squares: summed distances from the mean

  double variance() const { return squares / n; }  // biased

  // Joins two sets of values (Chan, Golub, LeVeque 1979).
  void Merge(const Moments& other) {
    const double all = n + other.n, distance = other.mean - mean;
    mean += distance * other.n / all;
    squares += other.squares + distance * distance * n * other.n / all;
    n = all;
  }
};

template <typename T>
Moments MomentsOfBlock(const T* values, int64_t n) {
  using W = Wide<T>;
  PartialSums<W> sum, squares;
  AddUp(n, [&](int64_t part, int64_t i) { sum.parts[part] += static_cast<W>(values[i]); });
  const double mean = sum.total() / static_cast<double>(n);
  const W centre = static_cast<W>(mean);
  AddUp(n, [&](int64_t part, int64_t i) {
    const W distance = static_cast<W>(values[i]) - centre;
    squares.parts[part] += distance * distance;
  });
  return {static_cast<double>(n), mean, squares.total()};
}

// body(offset of a block in the tensor, its length), of one group's values in one channel.
template <typename Body>
void ForEachBlock(const Layout& layout, int64_t g, int64_t c, const Body& body) {
  for (int64_t sample = layout.begin(g); sample < layout.end(g); ++sample) {
    const int64_t begin = layout.offset(sample, c), end = begin + layout.inside;
    for (int64_t at = begin; at < end; at += kBlock) body(at, std::min(kBlock, end - at));
  }
}

template <typename T>
Moments MomentsOf(const Layout& layout, const T* x, int64_t g, int64_t c) {
  Moments moments;
  ForEachBlock(layout, g, c,
               [&](int64_t at, int64_t n) { moments.Merge(MomentsOfBlock(x + at, n)); });
  return moments;
}

// Per channel, so that the running statistics see the groups in order.
template <typename Body>
void ForEachChannel(const Layout& layout, const Body& body) {
  at::parallel_for(0, layout.channels, /*grain_size=*/1, [&](int64_t first, int64_t last) {
    for (int64_t c = first; c < last; ++c) {
      for (int64_t g = 0; g < layout.groups(); ++g) body(g, c);
    }
  });
}

// Of the gradient, and of it with x - mean.
struct GradientSums {
  double grad = 0, product = 0;
};

template <typename T>
GradientSums SumGradients(const Layout& layout, const T* x, const T* grads, int64_t g, int64_t c,
                          double mean) {
  using W = Wide<T>;
  const W centre = static_cast<W>(mean);
  GradientSums sums;
  ForEachBlock(layout, g, c, [&](int64_t at, int64_t n) {
    const T *values = x + at, *of_y = grads + at;
    // One sum after the other, the block being in the cache: compilers shuffle two in one loop.
    PartialSums<W> grad, product;
    AddUp(n, [&](int64_t part, int64_t i) { grad.parts[part] += static_cast<W>(of_y[i]); });
    AddUp(n, [&](int64_t part, int64_t i) {
      product.parts[part] += static_cast<W>(of_y[i]) * (static_cast<W>(values[i]) - centre);
    });
    sums.grad += grad.total();
    sums.product += product.total();
  });
  return sums;
}

// grad_x = (grad - mean(grad) - (x - mean) k) scale.
template <typename T>
void SpreadGradient(const Layout& layout, const T* x, const T* grads, int64_t g, int64_t c,
                    double mean, double mean_grad, double k, double scale, T* grad_x) {
  using W = Wide<T>;
  const auto m = static_cast<W>(mean), of_grad = static_cast<W>(mean_grad),
             slope = static_cast<W>(k), by = static_cast<W>(scale);
  for (int64_t sample = layout.begin(g); sample < layout.end(g); ++sample) {
    const int64_t at = layout.offset(sample, c);
    for (int64_t i = at; i < at + layout.inside; ++i) {
      const W centred = static_cast<W>(x[i]) - m;
      grad_x[i] = static_cast<T>((static_cast<W>(grads[i]) - of_grad - centred * slope) * by);
    }
  }
}

// Puts `part` at sample `begin` of `whole`, which is made at the first call.
void Place(at::Tensor part, at::IntArrayRef sizes, int64_t begin, at::Tensor& whole) {
  if (part.size(0) == sizes[0]) {
    whole = std::move(part);
    return;
  }
  if (!whole.defined()) whole = at::empty(sizes, part.options());
  whole.narrow(0, begin, part.size(0)).copy_(part);
}

// Each group's result goes to its place at once: joined at the end they would be held twice.
Normalised NormaliseByAten(const NormCall& call, const at::Tensor& x, RunningStatistics* running) {
  const Layout layout(x, call.group);
  Normalised out;
  std::vector<at::Tensor> means, inverse_stds;
  for (int64_t g = 0; g < layout.groups(); ++g) {
    const int64_t begin = layout.begin(g), count = layout.end(g) - begin;
    auto [y, mean, inverse_std] = at::native_batch_norm(
        x.narrow(0, begin, count), call.weight, call.bias, running ? running->mean : at::Tensor(),
        running ? running->variance : at::Tensor(), /*training=*/true,
        running ? running->momentum : 0.0, call.eps);
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
  const Layout layout(x, call.group);
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

}  // namespace

Normalised NormaliseGroups(const NormCall& call, const at::Tensor& x, RunningStatistics* running) {
  if (!x.is_cpu()) return NormaliseByAten(call, x, running);
  const Layout layout(x, call.group);
  const at::Tensor input = x.contiguous(), weight = AsDouble(call.weight),
                   bias = AsDouble(call.bias);
  Normalised out{at::empty_like(input), {EmptyStatistics(layout), EmptyStatistics(layout)}};
  at::Tensor mean, variance;  // running, in float64 for the time of the call
  if (running)
    std::tie(mean, variance) = std::tuple(AsDouble(running->mean), AsDouble(running->variance));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "batch_norm", [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    scalar_t* y = out.y.data_ptr<scalar_t>();
    const double *w = weight.const_data_ptr<double>(), *b = bias.const_data_ptr<double>();
    double* means = out.statistics.mean.data_ptr<double>();
    double* inverse_stds = out.statistics.inverse_std.data_ptr<double>();
    double* running_mean = running ? mean.data_ptr<double>() : nullptr;
    double* running_variance = running ? variance.data_ptr<double>() : nullptr;
    ForEachChannel(layout, [&](int64_t g, int64_t c) {
      const Moments moments = MomentsOf(layout, values, g, c);
      const double inverse_std = 1.0 / std::sqrt(moments.variance() + call.eps);
      means[g * layout.channels + c] = moments.mean;
      inverse_stds[g * layout.channels + c] = inverse_std;
      const double alpha = inverse_std * w[c];
      Scale(layout, values, g, c, alpha, b[c] - moments.mean * alpha, y);
      if (!running) return;
      const double part = running->momentum;
      running_mean[c] += part * (moments.mean - running_mean[c]);
      running_variance[c] += part * (moments.squares / (moments.n - 1) - running_variance[c]);
    });
  });
  if (running) {
    running->mean.copy_(mean);
    running->variance.copy_(variance);
  }
  return out;
}

at::Tensor NormaliseAgain(const NormCall& call, const at::Tensor& x,
                          const GroupStatistics& statistics) {
  if (!x.is_cpu()) return NormaliseByAten(call, x, /*running=*/nullptr).y;
  const Layout layout(x, call.group);
  const at::Tensor input = x.contiguous(), weight = AsDouble(call.weight),
                   bias = AsDouble(call.bias);
  at::Tensor out = at::empty_like(input);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "batch_norm", [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    scalar_t* y = out.data_ptr<scalar_t>();
    const double *w = weight.const_data_ptr<double>(), *b = bias.const_data_ptr<double>();
    const double* means = statistics.mean.const_data_ptr<double>();
    const double* inverse_stds = statistics.inverse_std.const_data_ptr<double>();
    ForEachChannel(layout, [&](int64_t g, int64_t c) {
      const double alpha = inverse_stds[g * layout.channels + c] * w[c];
      Scale(layout, values, g, c, alpha, b[c] - means[g * layout.channels + c] * alpha, y);
    });
  });
  return out;
}

NormGradients NormaliseBackward(const NormCall& call, const at::Tensor& x,
                                const GroupStatistics& statistics, const at::Tensor& grad,
                                std::array<bool, 3> need) {
  const at::Tensor grads_as_x = grad.to(x.scalar_type());
  if (!x.is_cpu()) return BackwardByAten(call, x, statistics, grads_as_x, need);
  const Layout layout(x, call.group);
  const at::Tensor input = x.contiguous(), of_y = grads_as_x.contiguous(),
                   weight = AsDouble(call.weight);
  NormGradients out;
  if (need[0]) out.x = at::empty_like(input);
  at::Tensor of_weight = at::zeros_like(weight), of_bias = at::zeros_like(weight);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "batch_norm", [&] {
    const scalar_t* values = input.const_data_ptr<scalar_t>();
    const scalar_t* grads = of_y.const_data_ptr<scalar_t>();
    scalar_t* grad_x = need[0] ? out.x.data_ptr<scalar_t>() : nullptr;
    const double* w = weight.const_data_ptr<double>();
    const double* means = statistics.mean.const_data_ptr<double>();
    const double* inverse_stds = statistics.inverse_std.const_data_ptr<double>();
    double *grad_weight = of_weight.data_ptr<double>(), *grad_bias = of_bias.data_ptr<double>();
    ForEachChannel(layout, [&](int64_t g, int64_t c) {
      const double mean = means[g * layout.channels + c];
      const double inverse_std = inverse_stds[g * layout.channels + c];
      const GradientSums sums = SumGradients(layout, values, grads, g, c, mean);
      const double n = layout.values(g);
      grad_weight[c] += sums.product * inverse_std;
      grad_bias[c] += sums.grad;
      if (!grad_x) return;
      SpreadGradient(layout, values, grads, g, c, mean, sums.grad / n,
                     sums.product * inverse_std * inverse_std / n, inverse_std * w[c], grad_x);
    });
  });
  if (need[1]) out.weight = of_weight.to(call.weight.scalar_type());
  if (need[2]) out.bias = of_bias.to(call.bias.scalar_type());
  return out;
}

}  // namespace slimreel
