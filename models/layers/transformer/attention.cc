#include "models/layers/transformer/attention.h"

#include <ATen/ops/scaled_dot_product_attention.h>

namespace slimreel {
namespace {

// [batch * N, C] -> [batch, heads, N, C / heads], a view.
at::Tensor SplitHeads(const at::Tensor& rows, const AttentionShape& shape) {
  return rows
      .view({shape.batch, rows.size(0) / shape.batch, shape.heads, rows.size(1) / shape.heads})
      .transpose(1, 2);
}

}  // namespace

at::Tensor MultiHeadAttention(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const AttentionShape& shape) {
  TORCH_CHECK(query.size(1) % shape.heads == 0, query.size(1), " features cannot be divided into ",
              shape.heads, " heads");
  const at::Tensor heads = at::scaled_dot_product_attention(
      SplitHeads(query, shape), SplitHeads(key, shape), SplitHeads(value, shape),
      /*attn_mask=*/{}, /*dropout_p=*/0.0, shape.causal);
  return heads.transpose(1, 2).reshape({query.size(0), query.size(1)});
}

}  // namespace slimreel
