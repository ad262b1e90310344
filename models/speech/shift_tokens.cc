#include "models/speech/shift_tokens.h"

#include <ATen/ops/full_like.h>

namespace slimreel {

at::Tensor ShiftRight(const at::Tensor& labels, int64_t start_id, int64_t pad_id) {
  TORCH_CHECK(labels.dim() == 2 && labels.scalar_type() == at::kLong,
              "labels are [B, L] int64, not ", labels.sizes(), " ", labels.scalar_type());
  at::Tensor shifted = at::full_like(labels, start_id);
  const int64_t rest = labels.size(1) - 1;
  if (rest > 0) shifted.narrow(1, 1, rest).copy_(labels.narrow(1, 0, rest));
  return shifted.masked_fill_(shifted.eq(-100), pad_id);
}

}  // namespace slimreel
