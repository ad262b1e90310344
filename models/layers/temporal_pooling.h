// Trained pooling over time: the features of T frames become one feature vector.
//
// Threading: as the owning stage.
#ifndef MODELS_LAYERS_TEMPORAL_POOLING_H_
#define MODELS_LAYERS_TEMPORAL_POOLING_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/layers/parameter_maker.h"

namespace slimreel {

// Attention-based pooling (Ilse et al. 2018, "Attention-based Deep Multiple Instance
// Learning", equation 8): sum over t of softmax_t(w^T tanh(V h_t)) h_t.
// Keys prefix.attention.0.{weight, bias} [128, C] and prefix.attention.2.{weight, bias} [1, 128].
class AttentionPooling {
 public:
  static constexpr int64_t kHidden = 128;
  AttentionPooling(ParameterMaker& make, const std::string& prefix, int64_t features);
  at::Tensor Forward(const at::Tensor& frames) const;  // [B, T, C] -> [B, C]

 private:
  at::Tensor hidden_weight_, hidden_bias_;  // [kHidden, C], [kHidden]
  at::Tensor score_weight_, score_bias_;    // [1, kHidden], [1]
};

// The last hidden state of one LSTM layer (torch.nn.LSTM, batch_first), with the gates
// in the order input, forget, cell, output. It is composed of linear maps, because
// ATen's LSTM gives different bits with grad than without.
// Keys prefix.lstm.{weight_ih_l0 [4H, C], weight_hh_l0 [4H, H], bias_ih_l0, bias_hh_l0 [4H]}.
class LstmPooling {
 public:
  static constexpr int64_t kHidden = 512;
  LstmPooling(ParameterMaker& make, const std::string& prefix, int64_t features);
  at::Tensor Forward(const at::Tensor& frames) const;  // [B, T, C] -> [B, kHidden]

 private:
  at::Tensor input_weight_, hidden_weight_;  // [4 kHidden, C], [4 kHidden, kHidden]
  at::Tensor input_bias_, hidden_bias_;      // [4 kHidden] each
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_TEMPORAL_POOLING_H_
