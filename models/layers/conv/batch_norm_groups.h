// Training-mode batch normalisation of groups of consecutive samples, with what
// follows it in the same pass, without a graph: the arithmetic under batch_norm. On the CPU by
// loops of our own (batch_norm_loops): ATen's cannot normalise again from kept statistics with the
// same bits, wants one call (and one copy) a group, adds up one value after the other, and
// makes ReLU and the residual sum passes of their own. On other devices by ATen.
//
// Callers: batch_norm. Any thread; works on ATen's threads, and gives the same bits for
// any number of them.
#ifndef MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_
#define MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace slimreel {

// What a call needs besides x. weight and bias: [C], of any floating-point dtype.
struct NormCall {
  at::Tensor weight;
  at::Tensor bias;
  int64_t group = 1;  // samples; the last group may be shorter
  double eps = 1e-5;
};

// What follows the norm: y = relu(norm(x) + residual).
struct NormTail {
  at::Tensor residual;              // as x; undefined: none
  bool overwrite_residual = false;  // y may take its memory
  bool relu = false;
};

struct RunningStatistics {
  at::Tensor mean;      // [C]
  at::Tensor variance;  // [C], unbiased
  double momentum = 0.1;
};

// [G, C]: mean and 1 / sqrt(biased variance + eps) of each group; float64 on the CPU.
struct GroupStatistics {
  at::Tensor mean;
  at::Tensor inverse_std;
};

struct Normalised {
  at::Tensor y;  // as x
  GroupStatistics statistics;
};

// x [B, C, ...], any floating-point dtype, B >= 1. `running` moves once a group, in
// order; null moves none.
Normalised NormaliseGroups(const NormCall& call, const at::Tensor& x, RunningStatistics* running,
                           const NormTail& tail = {});

// y of NormaliseGroups for the same x, bit for bit: from its statistics on the CPU, where
// that saves a pass; other devices take the statistics of x again.
at::Tensor NormaliseFromStatistics(const NormCall& call, const at::Tensor& x,
                                   const GroupStatistics& statistics, const NormTail& tail = {});

struct NormGradients {
  at::Tensor x, weight, bias;  // as what they belong to; undefined where not needed
};
// Whether NormaliseBackward can take the gradient of relu(norm(x)): it sees from x what
// ReLU cut.
bool CanBackwardThroughRelu(const at::Tensor& x);

// grad: of norm(x), or with `through_relu` of relu(norm(x)). need: x, weight, bias.
NormGradients NormaliseBackward(const NormCall& call, const at::Tensor& x,
                                const GroupStatistics& statistics, const at::Tensor& grad,
                                std::array<bool, 3> need, bool through_relu = false);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_BATCH_NORM_GROUPS_H_
