#include "models/layers/conv/batch_norm_loops.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <array>

namespace slimreel {
namespace {

// Note [Widest vectors]
// The same loops are compiled for three kinds of processors. `flatten` inlines
// everything that `body` calls into each function, so it is compiled for that
// function's target.
#if defined(__x86_64__) && defined(__GNUC__) && defined(__OPTIMIZE__)
template <typename Body>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512"), gnu::flatten]] void
WithAvx512(const Body& body) {
  body();
}
template <typename Body>
[[gnu::target("avx2,fma"), gnu::flatten]] void WithAvx2(const Body& body) {
  body();
}

enum class Vectors { kPlain, kAvx2, kAvx512 };

Vectors WidestVectors() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return Vectors::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Vectors::kAvx2;
  return Vectors::kPlain;
}

template <typename Body>
void WithWidestVectors(const Body& body) {
  static const Vectors widest = WidestVectors();
  if (widest == Vectors::kAvx512) return WithAvx512(body);
  if (widest == Vectors::kAvx2) return WithAvx2(body);
  body();
}
#else
template <typename Body>
void WithWidestVectors(const Body& body) {
  body();
}
#endif

constexpr int64_t kBlock = 256;  // values that stay in the first-level cache
// Interleaved partial sums, which a processor adds in parallel.
constexpr int64_t kParts = 32;

struct PartialSums {
  std::array<double, kParts> parts{};

  double total() const {
    double sum = 0;
    for (double part : parts) sum += part;
    return sum;
  }
};

// Adds value(i) for each i < n.
template <typename Value>
void AddUp(int64_t n, PartialSums& sums, const Value& value) {
  int64_t i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (int64_t part = 0; part < kParts; ++part) sums.parts[part] += value(i + part);
  }
  for (; i < n; ++i) sums.parts[i % kParts] += value(i);
}

// Calls body(offset, length) for each block of the group's values in the channel.
template <typename Body>
void ForEachBlock(const ChannelOfGroup& where, const Body& body) {
  const GroupLayout& layout = where.layout;
  for (int64_t s = layout.begin(where.group); s < layout.end(where.group); ++s) {
    const int64_t begin = layout.offset(s, where.channel), end = begin + layout.inside;
    for (int64_t at = begin; at < end; at += kBlock) body(at, std::min(kBlock, end - at));
  }
}

// y of a norm, rounded as Scale stores it: ReLU's gradient must see the same bits.
template <typename T>
T Affine(T x, Wide<T> alpha, Wide<T> beta) {
  return static_cast<T>(static_cast<Wide<T>>(x) * alpha + beta);
}

// NaN passes through, as in ATen.
template <typename W>
W Relu(W x) {
  return x < W{0} ? W{0} : x;
}

template <typename T, bool kResidual, bool kRelu>
void ScaleValues(const ScaleLoop<T>& loop, int64_t at, int64_t n) {
  using W = Wide<T>;
  const auto alpha = static_cast<W>(loop.alpha), beta = static_cast<W>(loop.beta);
  const T *x = loop.x + at, *residual = kResidual ? loop.residual + at : nullptr;
  T* y = loop.y + at;
#pragma GCC ivdep  // y may be the residual, which is read before it is written
  for (int64_t i = 0; i < n; ++i) {
    W value = static_cast<W>(Affine(x[i], alpha, beta));
    if constexpr (kResidual)
      value = static_cast<W>(static_cast<T>(value + static_cast<W>(residual[i])));
    if constexpr (kRelu) value = Relu(value);
    y[i] = static_cast<T>(value);
  }
}

// Calls body(offset, n, gradients) for each block. Gradients that ReLU cut are zero. The
// block is in the first-level cache.
template <typename T, bool kRelu, typename Body>
void ForEachGradients(const ChannelOfGroup& where, const GradientLoop<T>& loop, const Body& body) {
  using W = Wide<T>;
  const auto alpha = static_cast<W>(loop.alpha), beta = static_cast<W>(loop.beta);
  ForEachBlock(where, [&](int64_t at, int64_t n) {
    std::array<W, kBlock> counted;
    const T *x = loop.x + at, *grad = loop.grad + at;
    for (int64_t i = 0; i < n; ++i) {
      const W value = static_cast<W>(grad[i]);
      const bool cut = kRelu && static_cast<W>(Affine(x[i], alpha, beta)) <= W{0};
      counted[i] = cut ? W{0} : value;
    }
    body(at, n, counted.data());
  });
}

template <typename T, bool kRelu>
GradientSums Sum(const ChannelOfGroup& where, const GradientLoop<T>& loop) {
  using W = Wide<T>;
  const W centre = static_cast<W>(loop.mean);
  PartialSums grad, product;
  ForEachGradients<T, kRelu>(where, loop, [&](int64_t at, int64_t n, const W* counted) {
    const T* x = loop.x + at;
    // Two loops over the cached block: with both sums in one loop compilers shuffle vectors.
    AddUp(n, grad, [&](int64_t i) { return counted[i]; });
    AddUp(n, product, [&](int64_t i) { return counted[i] * (static_cast<W>(x[i]) - centre); });
  });
  return {grad.total(), product.total()};
}

template <typename T, bool kRelu>
void Spread(const ChannelOfGroup& where, const GradientLoop<T>& loop, double mean_grad,
            double slope, double scale, T* grad_x) {
  using W = Wide<T>;
  const auto centre = static_cast<W>(loop.mean), of_grad = static_cast<W>(mean_grad),
             by = static_cast<W>(scale), k = static_cast<W>(slope);
  ForEachGradients<T, kRelu>(where, loop, [&](int64_t at, int64_t n, const W* counted) {
    const T* x = loop.x + at;
    T* out = grad_x + at;
    for (int64_t i = 0; i < n; ++i) {
      const W centred = static_cast<W>(x[i]) - centre;
      out[i] = static_cast<T>((counted[i] - of_grad - centred * k) * by);
    }
  });
}

}  // namespace

// As in ATen's kernels: values and squares in W, sums in float64, the mean rounded to W before
// the squares. So float32 outputs have ATen's bits (a test checks it).
template <typename T>
Moments MomentsOf(const ChannelOfGroup& where, const T* x) {
  using W = Wide<T>;
  Moments moments;
  moments.n = where.layout.values(where.group);
  PartialSums sum, squares;
  WithWidestVectors([&] {
    ForEachBlock(where, [&](int64_t at, int64_t n) {
      AddUp(n, sum, [&](int64_t i) { return static_cast<W>(x[at + i]); });
    });
  });
  const W mean = static_cast<W>(sum.total() / moments.n);
  WithWidestVectors([&] {
    ForEachBlock(where, [&](int64_t at, int64_t n) {
      AddUp(n, squares, [&](int64_t i) {
        const W distance = static_cast<W>(x[at + i]) - mean;
        return distance * distance;
      });
    });
  });
  moments.mean = mean;
  moments.squares = squares.total();
  return moments;
}

template <typename T>
void Scale(const ChannelOfGroup& where, const ScaleLoop<T>& loop) {
  WithWidestVectors([&] {
    ForEachBlock(where, [&](int64_t at, int64_t n) {
      if (loop.residual && loop.relu) return ScaleValues<T, true, true>(loop, at, n);
      if (loop.residual) return ScaleValues<T, true, false>(loop, at, n);
      if (loop.relu) return ScaleValues<T, false, true>(loop, at, n);
      ScaleValues<T, false, false>(loop, at, n);
    });
  });
}

template <typename T>
GradientSums SumGradients(const ChannelOfGroup& where, const GradientLoop<T>& loop) {
  GradientSums sums;
  WithWidestVectors(
      [&] { sums = loop.relu ? Sum<T, true>(where, loop) : Sum<T, false>(where, loop); });
  return sums;
}

template <typename T>
void SpreadGradient(const ChannelOfGroup& where, const GradientLoop<T>& loop, double mean_grad,
                    double slope, double scale, T* grad_x) {
  WithWidestVectors([&] {
    if (loop.relu) return Spread<T, true>(where, loop, mean_grad, slope, scale, grad_x);
    Spread<T, false>(where, loop, mean_grad, slope, scale, grad_x);
  });
}

#define SLIMREEL_BATCH_NORM_LOOPS(T)                                                             \
  template Moments MomentsOf<T>(const ChannelOfGroup&, const T*);                                \
  template void Scale<T>(const ChannelOfGroup&, const ScaleLoop<T>&);                            \
  template GradientSums SumGradients<T>(const ChannelOfGroup&, const GradientLoop<T>&);          \
  template void SpreadGradient<T>(const ChannelOfGroup&, const GradientLoop<T>&, double, double, \
                                  double, T*);
SLIMREEL_BATCH_NORM_LOOPS(float)
SLIMREEL_BATCH_NORM_LOOPS(double)
SLIMREEL_BATCH_NORM_LOOPS(c10::Half)
SLIMREEL_BATCH_NORM_LOOPS(c10::BFloat16)
#undef SLIMREEL_BATCH_NORM_LOOPS

}  // namespace slimreel
