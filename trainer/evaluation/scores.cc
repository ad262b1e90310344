#include "trainer/evaluation/scores.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <vector>

namespace slimreel {

at::Tensor HeadScores(const Tensors& outputs) {
  TORCH_CHECK(!outputs.empty(), "a classifier must give at least one slot of logits");
  std::vector<at::Tensor> heads;
  for (const at::Tensor& logits : outputs) {
    TORCH_CHECK(logits.dim() == 2 && logits.sizes() == outputs[0].sizes(),
                "all heads must give logits [B, classes] of one size, but there are ",
                outputs[0].sizes(), " and ", logits.sizes());
    heads.push_back(logits.to(at::kCPU, at::kDouble).contiguous());
  }
  if (heads.size() == 1) return heads[0];
  for (at::Tensor& head : heads) head = at::log_softmax(head, /*dim=*/1);
  return at::logsumexp(at::stack(heads), /*dim=*/0)
      .sub(std::log(static_cast<double>(heads.size())));
}

}  // namespace slimreel
