#include "models/layers/temporal_pooling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <vector>

#include "models/layers/linear.h"

namespace slimreel {
namespace {

double Bound(int64_t fan_in) { return 1.0 / std::sqrt(static_cast<double>(fan_in)); }

}  // namespace

AttentionPooling::AttentionPooling(ParameterMaker& make, const std::string& prefix,
                                   int64_t features)
    : hidden_weight_(
          make.Uniform(prefix + ".attention.0.weight", {kHidden, features}, Bound(features))),
      hidden_bias_(make.Uniform(prefix + ".attention.0.bias", {kHidden}, Bound(features))),
      score_weight_(make.Uniform(prefix + ".attention.2.weight", {1, kHidden}, Bound(kHidden))),
      score_bias_(make.Uniform(prefix + ".attention.2.bias", {1}, Bound(kHidden))) {}

at::Tensor AttentionPooling::Forward(const at::Tensor& frames) const {
  const at::Tensor hidden = at::tanh(LinearRows(AsRows(frames), hidden_weight_, hidden_bias_));
  const at::Tensor scores = LinearRows(hidden, score_weight_, score_bias_);
  const at::Tensor shares = at::softmax(scores.view({frames.size(0), -1, 1}), 1);
  return (shares * frames).sum(1);
}

LstmPooling::LstmPooling(ParameterMaker& make, const std::string& prefix, int64_t features)
    : input_weight_(
          make.Uniform(prefix + ".lstm.weight_ih_l0", {4 * kHidden, features}, Bound(kHidden))),
      hidden_weight_(
          make.Uniform(prefix + ".lstm.weight_hh_l0", {4 * kHidden, kHidden}, Bound(kHidden))),
      input_bias_(make.Uniform(prefix + ".lstm.bias_ih_l0", {4 * kHidden}, Bound(kHidden))),
      hidden_bias_(make.Uniform(prefix + ".lstm.bias_hh_l0", {4 * kHidden}, Bound(kHidden))) {}

at::Tensor LstmPooling::Forward(const at::Tensor& frames) const {
  const at::Tensor from_inputs = LinearRows(AsRows(frames), input_weight_, input_bias_)
                                     .view({frames.size(0), -1, 4 * kHidden});
  at::Tensor state, cell;
  for (int64_t t = 0; t < frames.size(1); ++t) {
    // The state before the first frame is zero, so its product is just the bias.
    const at::Tensor from_state =
        state.defined() ? LinearRows(state, hidden_weight_, hidden_bias_) : hidden_bias_;
    const std::vector<at::Tensor> gates = (from_inputs.select(1, t) + from_state).chunk(4, 1);
    const at::Tensor written = at::sigmoid(gates[0]) * at::tanh(gates[2]);
    cell = cell.defined() ? at::sigmoid(gates[1]) * cell + written : written;
    state = at::sigmoid(gates[3]) * at::tanh(cell);
  }
  return state;
}

}  // namespace slimreel
