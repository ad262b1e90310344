#include "trainer/loop/gradient_tags.h"

#include <utility>

#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {

GradientTags::GradientTags(std::vector<Stage*> chain, int frozen_prefix, ExecutorHooks* next)
    : chain_(std::move(chain)), frozen_prefix_(static_cast<size_t>(frozen_prefix)), next_(next) {}

void GradientTags::BeforeOp(const Op& op) {
  if (next_ != nullptr) next_->BeforeOp(op);
}

void GradientTags::AfterOp(const Op& op) {
  if (op.kind == OpKind::kBackward) {
    const Stage& stage = *chain_[frozen_prefix_ + static_cast<size_t>(op.stage)];
    for (const NamedTensor& parameter : stage.parameters()) {
      RetagTensor(parameter.tensor.grad(), MemoryTag::kGradients);
    }
  }
  if (next_ != nullptr) next_->AfterOp(op);
}

void GradientTags::BeforePrefix() {
  if (next_ != nullptr) next_->BeforePrefix();
}
void GradientTags::AfterPrefix() {
  if (next_ != nullptr) next_->AfterPrefix();
}
void GradientTags::BeforeUpdate() {
  if (next_ != nullptr) next_->BeforeUpdate();
}
void GradientTags::AfterUpdate() {
  if (next_ != nullptr) next_->AfterUpdate();
}

}  // namespace slimreel
