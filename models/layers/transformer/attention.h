// Multi-head attention on scaled_dot_product_attention.
//
// Threading: any thread.
#ifndef MODELS_LAYERS_TRANSFORMER_ATTENTION_H_
#define MODELS_LAYERS_TRANSFORMER_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace slimreel {

struct AttentionShape {
  int64_t batch = 1;  // sequences
  int64_t heads = 1;
  bool causal = false;  // a query sees only keys up to its own position
};

// query rows [batch * N, C], key and value rows [batch * M, C] -> [batch * N, C]:
// softmax(q k^T / sqrt(C / heads)) v (Vaswani et al. 2017, equation 1). The last stride is 1,
// so slices of a joint product can be passed without a copy. No dropout on the
// probabilities. The CPU kernel writes rows in this order, so nothing is copied.
at::Tensor MultiHeadAttention(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const AttentionShape& shape);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_ATTENTION_H_
