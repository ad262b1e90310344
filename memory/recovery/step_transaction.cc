#include "memory/recovery/step_transaction.h"

#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>

#include <utility>

namespace slimreel {

StepTransaction::StepTransaction(std::vector<at::Tensor> parameters,
                                 std::vector<at::Tensor> buffers)
    : parameters_(std::move(parameters)), buffers_(std::move(buffers)) {
  for (const at::Tensor& buffer : buffers_) snapshots_.push_back(at::empty_like(buffer));
  Begin();
}

void StepTransaction::Begin() {
  const c10::AutoGradMode no_grad(false);
  for (size_t i = 0; i < buffers_.size(); ++i) snapshots_[i].copy_(buffers_[i]);
}

void StepTransaction::Rollback() {
  DropGradients();
  const c10::AutoGradMode no_grad(false);
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(snapshots_[i]);
}

void StepTransaction::DropGradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

}  // namespace slimreel
