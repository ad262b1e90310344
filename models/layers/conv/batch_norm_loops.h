// The CPU loops under batch_norm_groups. Each call works on one channel of one group in raw
// memory, compiled for the widest vectors of the processor. So bits may differ between kinds
// of processors, as ATen's do.
//
// T is float, double, at::Half or at::BFloat16. Values are computed in float, or in double if
// T is double; sums are float64.
//
// Threading: any thread.
#ifndef MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_
#define MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace slimreel {

// A contiguous tensor [batch, channels, inside] in groups of consecutive samples.
struct GroupLayout {
  int64_t batch = 0, channels = 0, inside = 0, group = 1;

  int64_t groups() const { return (batch + group - 1) / group; }
  int64_t begin(int64_t g) const { return g * group; }
  int64_t end(int64_t g) const { return std::min(batch, (g + 1) * group); }
  int64_t offset(int64_t sample, int64_t channel) const {
    return (sample * channels + channel) * inside;
  }
  double values(int64_t g) const { return static_cast<double>((end(g) - begin(g)) * inside); }
};

// The channel and group that a loop works on.
struct ChannelOfGroup {
  const GroupLayout& layout;
  int64_t group, channel;
};

template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Rounded to Wide<T>, held as double.
struct Moments {
  double n = 0, mean = 0;
  double squares = 0;  // sum of squared distances from the mean
};
template <typename T>
Moments MomentsOf(const ChannelOfGroup& where, const T* x);

// y = x alpha + beta [+ residual], then [ReLU]. y may share the residual's memory.
template <typename T>
struct ScaleLoop {
  const T* x;
  double alpha, beta;
  const T* residual;  // null: none
  bool relu;
  T* y;
};
template <typename T>
void Scale(const ChannelOfGroup& where, const ScaleLoop<T>& loop);

// The gradient of y. With `relu` (without a residual) only elements count whose
// y = x alpha + beta is positive, which is computed from x again.
template <typename T>
struct GradientLoop {
  const T* x;
  const T* grad;
  bool relu;
  double alpha, beta;  // unused without relu
  double mean;
};
struct GradientSums {
  double grad = 0;     // sum of the gradient
  double product = 0;  // sum of the gradient times (x - mean)
};
template <typename T>
GradientSums SumGradients(const ChannelOfGroup& where, const GradientLoop<T>& loop);

// grad_x = (grad - mean_grad - (x - mean) slope) scale.
template <typename T>
void SpreadGradient(const ChannelOfGroup& where, const GradientLoop<T>& loop, double mean_grad,
                    double slope, double scale, T* grad_x);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_
