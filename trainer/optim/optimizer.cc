#include "trainer/optim/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/optim/fused_update.h"

namespace slimreel {
namespace {

// Note [Reserved before the first step]
// The optimizer step is outside of the region that is retried on out-of-memory, so it must not run
// out of memory. The constructor makes its state. A step then needs only scalars (the norm of each
// tensor, their stack) and the kernels' partial sums: one 64-byte block each. The optimizer holds a
// reserve of this size per parameter from the constructor on and releases it during a step, so that
// these blocks fit even if the budget is otherwise full.
constexpr int64_t kReservePerParameter = 512;
constexpr int64_t kReserveFloor = 64 * 1024;

// Note [A step in parts]
// StepStage may run in the middle of backward, where memory is short, and it must never update a
// parameter twice. So it works in this order, and remembers how far it came:
//   norms      may run out of memory; has changed nothing then
//   counters   one call without tensor memory
//   kernels    one call per group without tensor memory; a unit that is done is not done again
//   gradients  are freed, which cannot fail
// A test fails each allocation and finds none in the calls that change something.

}  // namespace

Optimizer::Optimizer(const TrainOptions& options, std::vector<ParamGroup> groups,
                     const std::optional<LossScaleOptions>& loss_scale)
    : options_(options) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  for (const ParamGroup& group : groups) {
    for (const NamedTensor& parameter : group.parameters) {
      CreateState(parameter, static_cast<int>(groups_.size()));
    }
    groups_.push_back(
        {.parameters = {}, .weight_decay = group.weight_decay, .lr_scale = group.lr_scale});
  }
  if (entries_.empty()) return;
  std::vector<int> all(entries_.size());
  std::iota(all.begin(), all.end(), 0);
  parts_ = {MakePart(std::move(all))};
  const at::Tensor& first = entries_.front().parameter;
  one_ = at::ones({}, first.options().dtype(at::kFloat).requires_grad(false));
  if (loss_scale) {
    loss_scale_.emplace(*loss_scale, first.device());
    for (NamedTensor& named : loss_scale_->State()) state_.push_back(std::move(named));
  }
  ReserveScratch();
}

at::Tensor Optimizer::LossGradient() const {
  return loss_scale_ ? loss_scale_->scale() : at::Tensor();
}

at::Tensor Optimizer::FoundInf() const {
  return loss_scale_ ? loss_scale_->found_inf() : at::Tensor();
}

void Optimizer::CreateState(const NamedTensor& parameter, int group) {
  TORCH_CHECK(parameter.tensor.requires_grad(), parameter.name, " does not require grad");
  Entry entry;
  entry.parameter = parameter.tensor;
  entry.group = group;
  const auto add = [&](const char* suffix, at::Tensor tensor) {
    state_.push_back({absl::StrCat(parameter.name, suffix), tensor});
    return tensor;
  };
  if (options_.optimizer == OptimizerKind::kSgd) {
    if (options_.momentum != 0.0) {
      entry.exp_avg = add(".momentum_buffer", at::zeros_like(parameter.tensor));
    }
  } else {
    entry.exp_avg = add(".exp_avg", at::zeros_like(parameter.tensor));
    entry.exp_avg_sq = add(".exp_avg_sq", at::zeros_like(parameter.tensor));
    entry.step = add(".step", at::zeros({}, parameter.tensor.options().dtype(at::kFloat)));
  }
  entries_.push_back(std::move(entry));
}

// One unit per group, in the order of the groups.
Optimizer::Part Optimizer::MakePart(std::vector<int> entries) const {
  Part part;
  for (int group = 0; group < static_cast<int>(groups_.size()); ++group) {
    Unit unit;
    unit.group = group;
    for (int index : entries) {
      if (entries_[index].group == group) unit.entries.push_back(index);
    }
    if (!unit.entries.empty()) part.units.push_back(std::move(unit));
  }
  part.entries = std::move(entries);
  return part;
}

void Optimizer::SetReleaseGroups(const std::vector<Tensors>& stages) {
  std::unordered_map<const at::TensorImpl*, int> index_of;
  for (const Entry& entry : entries_) {
    index_of.emplace(entry.parameter.unsafeGetTensorImpl(), static_cast<int>(index_of.size()));
  }
  std::vector<Part> parts;
  for (const Tensors& stage : stages) {
    std::vector<int> entries;
    for (const at::Tensor& parameter : stage) {
      const auto found = index_of.find(parameter.unsafeGetTensorImpl());
      TORCH_CHECK(found != index_of.end(),
                  "a parameter is released twice, or the optimizer does not have it");
      entries.push_back(found->second);
      index_of.erase(found);
    }
    parts.push_back(MakePart(std::move(entries)));
  }
  TORCH_CHECK(index_of.empty(), index_of.size(), " parameters are released by no stage");
  parts_ = std::move(parts);
}

void Optimizer::ReserveScratch() {
  if (reserve_.defined() || entries_.empty()) return;
  const int64_t bytes =
      kReserveFloor + kReservePerParameter * static_cast<int64_t>(entries_.size());
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_ = at::empty({bytes}, one_.options().dtype(at::kByte));
}

std::vector<at::Tensor> Optimizer::Gradients() const {
  std::vector<at::Tensor> gradients;
  for (const Entry& entry : entries_) {
    if (entry.parameter.grad().defined()) gradients.push_back(entry.parameter.grad());
  }
  return gradients;
}

at::Tensor Optimizer::NormOf(const std::vector<at::Tensor>& norms) const {
  if (norms.empty()) return at::zeros({}, at::kFloat);
  return at::linalg_vector_norm(at::stack(norms));
}

at::Tensor Optimizer::GlobalNormClip(std::optional<double> max_norm) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_.reset();
  const std::vector<at::Tensor> gradients = Gradients();
  if (loss_scale_) loss_scale_->Unscale(gradients);
  if (gradients.empty()) return NormOf({});
  const at::Tensor norm = NormOf(at::_foreach_norm(gradients, /*ord=*/2));
  if (max_norm) {
    // A factor of 1 changes no bit, so the value need not be read to decide whether to clip.
    const at::Tensor factor = at::add(norm, 1e-6).reciprocal_().mul_(*max_norm).clamp_max_(1.0);
    at::_foreach_mul_(gradients, factor);
  }
  return norm;
}

void Optimizer::Step(double lr) {
  const TagScope scope(MemoryTag::kOptimizer);
  lr_ = lr;
  reserve_.reset();
  for (int part = static_cast<int>(parts_.size()) - 1; part >= 0; --part) StepPart(part);
  if (loss_scale_) loss_scale_->Update();
}

void Optimizer::BeginStep(double lr) {
  TORCH_CHECK(!loss_scale_, "a step in parts cannot be skipped, so it has no loss scale");
  lr_ = lr;
  progress_ = Progress();
}

void Optimizer::StepStage(int stage) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_.reset();
  const Part& part = parts_[stage];
  if (progress_.part != stage) progress_ = Progress{.part = stage};
  if (!progress_.has_norms) KeepNorms(part);
  progress_.has_norms = true;
  StepPart(stage);
  for (int index : part.entries) entries_[index].parameter.mutable_grad().reset();
}

at::Tensor Optimizer::EndStep() {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  std::vector<at::Tensor> norms;
  for (const Entry& entry : entries_) {
    if (entry.norm.defined()) norms.push_back(entry.norm);
  }
  const at::Tensor norm = NormOf(norms);
  for (Entry& entry : entries_) entry.norm.reset();
  return norm;
}

void Optimizer::KeepNorms(const Part& part) {
  std::vector<int> with_gradient;
  std::vector<at::Tensor> gradients;
  for (int index : part.entries) {
    const at::Tensor& gradient = entries_[index].parameter.grad();
    if (!gradient.defined()) continue;
    with_gradient.push_back(index);
    gradients.push_back(gradient);
  }
  if (gradients.empty()) return;
  std::vector<at::Tensor> norms = at::_foreach_norm(gradients, /*ord=*/2);
  for (size_t i = 0; i < norms.size(); ++i) entries_[with_gradient[i]].norm = std::move(norms[i]);
}

// See Note [A step in parts].
void Optimizer::StepPart(int part) {
  const c10::AutoGradMode no_grad(false);
  if (progress_.part != part) progress_ = Progress{.part = part};
  if (!progress_.has_counted) CountSteps(parts_[part]);
  progress_.has_counted = true;
  for (; progress_.units < parts_[part].units.size(); ++progress_.units) {
    StepUnit(parts_[part].units[progress_.units]);
  }
  progress_ = Progress();
}

void Optimizer::CountSteps(const Part& part) {
  std::vector<at::Tensor> steps;
  for (int index : part.entries) {
    const Entry& entry = entries_[index];
    if (entry.step.defined() && entry.parameter.grad().defined()) steps.push_back(entry.step);
  }
  if (!steps.empty()) at::_foreach_add_(steps, one_);
}

void Optimizer::StepUnit(const Unit& unit) {
  UpdateLists lists;
  for (int index : unit.entries) {
    const Entry& entry = entries_[index];
    const at::Tensor& gradient = entry.parameter.grad();
    if (!gradient.defined()) continue;
    CheckLayout(entry.parameter, gradient);
    lists.parameters.push_back(Flat(entry.parameter));
    lists.gradients.push_back(Flat(gradient));
    if (entry.exp_avg.defined()) lists.exp_avgs.push_back(Flat(entry.exp_avg));
    if (entry.exp_avg_sq.defined()) lists.exp_avg_sqs.push_back(Flat(entry.exp_avg_sq));
    if (entry.step.defined()) lists.steps.push_back(entry.step);
  }
  if (lists.gradients.empty()) return;
  std::optional<at::Tensor> skip;
  if (loss_scale_) skip = loss_scale_->found_inf();
  const ParamGroup& group = groups_[unit.group];
  FusedUpdate(options_, lists, lr_ * group.lr_scale, group.weight_decay, skip);
  // A skipped step does not count.
  if (skip && !lists.steps.empty()) at::_foreach_add_(lists.steps, *skip, -1);
}

void Optimizer::ZeroGrad() {
  for (const Entry& entry : entries_) entry.parameter.mutable_grad().reset();
  ReserveScratch();
}

int64_t Optimizer::StateBytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& named : state_) bytes += static_cast<int64_t>(named.tensor.nbytes());
  return bytes;
}

}  // namespace slimreel
