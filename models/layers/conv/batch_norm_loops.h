// The loops under batch_norm_groups on the CPU: one channel of one group at a time,
// on bare memory, compiled for the widest vectors that the processor has (bits may differ
// from one kind of processor to another, like ATen's).
//
// Callers: batch_norm_groups. Any thread. T: float, double, at::Half, at::BFloat16, which
// are computed in float, double where T is, and added up in float64.
#ifndef MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_
#define MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace slimreel {

// [batch, channels, inside], contiguous, in groups of consecutive samples.
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

// Where a loop works.
struct ChannelOfGroup {
  const GroupLayout& layout;
  int64_t group, channel;
};

template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// In the precision that values are computed in, held as double.
struct Moments {
  double n = 0, mean = 0;
  double squares = 0;  // summed distances from the mean, squared
};
template <typename T>
Moments MomentsOf(const ChannelOfGroup& where, const T* x);

// y = x alpha + beta [+ residual], then [ReLU]. y may be the residual's memory.
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

// The gradient of y. After ReLU without a residual only that counts where y = x alpha +
// beta was positive, which is seen from x again.
template <typename T>
struct GradientLoop {
  const T* x;
  const T* grad;
  bool relu;
  double alpha, beta;  // unused without relu
  double mean;
};
struct GradientSums {
  double grad = 0, product = 0;  // of the gradient, and of it with x - mean
};
template <typename T>
GradientSums SumGradients(const ChannelOfGroup& where, const GradientLoop<T>& loop);

// grad_x = (grad - mean_grad - (x - mean) slope) scale.
template <typename T>
void SpreadGradient(const ChannelOfGroup& where, const GradientLoop<T>& loop, double mean_grad,
                    double slope, double scale, T* grad_x);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_BATCH_NORM_LOOPS_H_
