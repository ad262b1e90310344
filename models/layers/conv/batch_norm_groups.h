// The arithmetic under batch_norm: training-mode batch normalisation of groups of
// consecutive samples, with residual sum and ReLU in the same pass. Records no graph.
//
// On the CPU it uses the loops of batch_norm_loops. ATen's kernels cannot normalise again
// from kept statistics with the same bits, need one call and one copy per group, sum values
// one after the other, and run ReLU and the residual sum as separate passes. Other devices
// use ATen.
//
// Threading: any thread. Works in ATen's threads, with the same bits for any number of them.
#ifndef MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_
#define MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace slimreel {

// What a call needs besides x. weight and bias are [C], of any floating-point dtype.
struct NormCall {
  at::Tensor weight;
  at::Tensor bias;
  int64_t group = 1;  // samples per group; the last group may be shorter
  double eps = 1e-5;
};

// What follows the norm: y = relu(norm(x) + residual).
struct NormTail {
  at::Tensor residual;              // shape and dtype of x; undefined: none
  bool overwrite_residual = false;  // y may reuse the residual's memory
  bool relu = false;
};

// [G, C]: mean and 1 / sqrt(biased variance + eps) of each group; float64 on the CPU.
struct GroupStatistics {
  at::Tensor mean;
  at::Tensor inverse_std;
};

struct Normalised {
  at::Tensor y;  // shape and dtype of x
  GroupStatistics statistics;
};

// x [B, C, ...], any floating-point dtype, B >= 1. Writes each group's mean and unbiased
// variance to `log` [G, 2, C], as StepLog::Append gives it; undefined: to nowhere.
Normalised NormaliseGroups(const NormCall& call, const at::Tensor& x, const at::Tensor& log,
                           const NormTail& tail = {});

// The y of NormaliseGroups for the same x, bit for bit. The CPU uses `statistics`, which
// saves a pass; other devices compute the statistics of x again.
at::Tensor NormaliseFromStatistics(const NormCall& call, const at::Tensor& x,
                                   const GroupStatistics& statistics, const NormTail& tail = {});

struct NormGradients {
  at::Tensor x, weight, bias;  // shapes and dtypes of their tensors; undefined if not needed
};
// Can NormaliseBackward take the gradient of relu(norm(x))? It then computes from x which
// elements ReLU cut.
bool CanBackwardThroughRelu(const at::Tensor& x);

// `grad`: the gradient of norm(x), or with `through_relu` of relu(norm(x)). `need`: x, weight,
// bias.
NormGradients NormaliseBackward(const NormCall& call, const at::Tensor& x,
                                const GroupStatistics& statistics, const at::Tensor& grad,
                                std::array<bool, 3> need, bool through_relu = false);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_
