#include "trainer/optim/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/add.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/paging/host_pool.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/optim/state_bytes.h"

namespace slimreel {
namespace {

// Note [Reserved before the first step]
// The optimizer step is outside of the region that is retried on out-of-memory, so it must not run
// out of memory. The constructor makes its state. A step then needs only scalars (the norm of each
// tensor, their stack) and the kernels' partial sums: one 64-byte block each. The optimizer holds a
// reserve of this size per parameter from the constructor on and releases it during a step, so that
// these blocks fit even if the budget is otherwise full (ScratchReserveBytes).

// Note [A step in parts]
// StepStage may run in the middle of backward, where memory is short, and it must never update a
// parameter twice. So it works in this order, and remembers how far it came:
//   norms      may run out of memory; has changed nothing then
//   counters   one call without tensor memory
//   kernels    one call per group (and page) without tensor memory; then the page's way back. A
//              unit that is done is not done again
//   gradients  are freed, which cannot fail
// A test fails each allocation and finds none in the calls that change something.

// `count` numbers of the parameter's dtype from byte `first` of a block on.
at::Tensor StateIn(const at::Tensor& block, int64_t first, int64_t count,
                   const at::Tensor& parameter) {
  return block.narrow(0, first, count * static_cast<int64_t>(parameter.element_size()))
      .view(parameter.scalar_type());
}

// Note [Where a parameter may be cut]
// A large parameter comes to the device in pieces, and its bits must not tell. The CPU's kernels
// share a tensor out among the threads, work with whole vector registers, and compute the rest of
// each share element by element, which rounds otherwise. A parameter of a multiple of threads x
// registers has no such rest, nor have its pieces of such a size. An accelerator's kernels treat
// all elements alike.
int64_t CutElements(at::Device device) {
  constexpr int64_t kRegister = 64;  // elements; no register holds more
  return device.is_cpu() ? kRegister * at::get_num_threads() : kRegister;
}

}  // namespace

Optimizer::Optimizer(const TrainOptions& options, std::vector<ParamGroup> groups,
                     const std::optional<LossScaleOptions>& loss_scale, const StatePaging& paging)
    : options_(options) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  std::vector<NamedTensor> parameters;
  for (const ParamGroup& group : groups) {
    for (const NamedTensor& parameter : group.parameters) {
      TORCH_CHECK(parameter.tensor.requires_grad(), parameter.name, " does not require grad");
      parameters.push_back(parameter);
      entries_.emplace_back();
      entries_.back().parameter = parameter.tensor;
      entries_.back().group = static_cast<int>(groups_.size());
    }
    groups_.push_back(
        {.parameters = {}, .weight_decay = group.weight_decay, .lr_scale = group.lr_scale});
  }
  if (entries_.empty()) return;
  CreateState(parameters, paging);
  const at::Tensor& first = entries_.front().parameter;
  one_ = at::ones({}, first.options().dtype(at::kFloat).requires_grad(false));
  if (loss_scale) {
    loss_scale_.emplace(*loss_scale, first.device());
    for (NamedTensor& named : loss_scale_->State()) state_.push_back(std::move(named));
  }
  SetParts(AllInOne());
  ReserveScratch();
}

at::Tensor Optimizer::LossGradient() const {
  return loss_scale_ ? loss_scale_->scale() : at::Tensor();
}

at::Tensor Optimizer::FoundInf() const {
  return loss_scale_ ? loss_scale_->found_inf() : at::Tensor();
}

std::vector<std::vector<int>> Optimizer::AllInOne() const {
  std::vector<int> all(entries_.size());
  std::iota(all.begin(), all.end(), 0);
  return {std::move(all)};
}

int Optimizer::StatesPerParameter() const {
  if (options_.optimizer != OptimizerKind::kSgd) return 2;
  return options_.momentum != 0.0 ? 1 : 0;
}

void Optimizer::CreateState(const std::vector<NamedTensor>& parameters, const StatePaging& paging) {
  const int num_states = StatesPerParameter();
  for (const NamedTensor& named : parameters) {
    items_.push_back(
        {.elements = named.tensor.numel(), .element_bytes = named.tensor.element_size()});
  }
  host_bytes_ = LayOutState(num_states, items_);
  page_bytes_ = paging.page_bytes;
  if (paging.pool != nullptr && num_states > 0) {
    host_ = paging.pool->Allocate(host_bytes_, entries_.front().parameter.device());
  }
  const bool is_sgd = options_.optimizer == OptimizerKind::kSgd;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    const auto add = [&](const char* suffix, at::Tensor tensor) {
      state_.push_back({absl::StrCat(parameters[i].name, suffix), tensor});
      return tensor;
    };
    const auto zeros = [&](int state) {
      return is_paged() ? HostState(host_, i, state) : at::zeros_like(entry.parameter);
    };
    if (num_states > 0) entry.exp_avg = add(is_sgd ? ".momentum_buffer" : ".exp_avg", zeros(0));
    if (num_states > 1) entry.exp_avg_sq = add(".exp_avg_sq", zeros(1));
    if (is_sgd) continue;
    entry.step = add(".step", at::zeros({}, entry.parameter.options().dtype(at::kFloat)));
  }
}

// The state's place in the host block, in the parameter's layout.
at::Tensor Optimizer::HostState(const at::Tensor& host, size_t entry, int state) const {
  const at::Tensor& parameter = entries_[entry].parameter;
  TORCH_CHECK(parameter.is_non_overlapping_and_dense(), "only dense parameters are paged");
  const at::Tensor flat =
      StateIn(host, StateFirst(items_[entry], state), parameter.numel(), parameter);
  return at::as_strided(flat, parameter.sizes(), parameter.strides(), flat.storage_offset());
}

void Optimizer::SetPaging(const StatePaging& paging) {
  const int num_states = StatesPerParameter();
  const bool paged = paging.pool != nullptr;
  if (num_states == 0 || entries_.empty() || paged == is_paged()) return;
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  if (pager_) pager_->Synchronize();
  at::Tensor host;
  if (paged) host = paging.pool->Allocate(host_bytes_, entries_.front().parameter.device());
  std::vector<at::Tensor> moved;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const at::Tensor* const states[] = {&entries_[i].exp_avg, &entries_[i].exp_avg_sq};
    for (int state = 0; state < num_states; ++state) {
      moved.push_back(paged ? HostState(host, i, state) : at::empty_like(entries_[i].parameter));
      moved.back().copy_(*states[state]);
    }
  }
  // Nothing from here on fails but the buffers of the pager, which the caller has room for.
  size_t next = 0, named = 0;
  for (Entry& entry : entries_) {
    for (int state = 0; state < num_states; ++state) {
      at::Tensor& tensor = state == 0 ? entry.exp_avg : entry.exp_avg_sq;
      tensor = state_[named++].tensor = std::move(moved[next++]);
    }
    if (entry.step.defined()) ++named;
  }
  host_ = std::move(host);
  page_bytes_ = paging.page_bytes;
  std::vector<std::vector<int>> parts;
  for (Part& part : parts_) parts.push_back(std::move(part.entries));
  SetParts(std::move(parts));
}

std::vector<Optimizer::Unit> Optimizer::MakeUnits(const std::vector<int>& entries, bool paged,
                                                  std::vector<PageRanges>& pages) const {
  std::vector<Unit> units;
  for (int group = 0; group < static_cast<int>(groups_.size()); ++group) {
    std::vector<int> chosen;
    for (int index : entries) {
      if (entries_[index].group == group) chosen.push_back(index);
    }
    if (chosen.empty()) continue;
    Unit unit;
    unit.group = group;
    if (!paged) {
      for (int index : chosen) {
        unit.pieces.push_back({.item = index, .first = 0, .count = items_[index].elements});
      }
      units.push_back(std::move(unit));
      continue;
    }
    std::sort(chosen.begin(), chosen.end());
    for (StatePage& page : CutIntoPages(items_, chosen, StatesPerParameter(), page_bytes_,
                                        CutElements(entries_.front().parameter.device()))) {
      unit.pieces = std::move(page.pieces);
      unit.page = static_cast<int>(pages.size());
      pages.push_back(std::move(page.ranges));
      units.push_back(unit);
    }
  }
  return units;
}

// Pages are numbered in the order of a step: last part first.
void Optimizer::SetParts(std::vector<std::vector<int>> parts) {
  parts_.assign(parts.size(), {});
  std::vector<PageRanges> pages;
  for (size_t i = parts.size(); i-- > 0;) {
    parts_[i].units = MakeUnits(parts[i], is_paged(), pages);
    parts_[i].entries = std::move(parts[i]);
  }
  const TagScope scope(MemoryTag::kOptimizer);
  pager_.reset();  // before it takes other buffers
  if (!is_paged()) return;
  pager_ = std::make_unique<Pager>(host_, entries_.front().parameter.device(), std::move(pages));
}

void Optimizer::SetReleaseGroups(const std::vector<Tensors>& stages) {
  std::vector<std::vector<int>> parts = PartsOf(stages);
  // A plan that comes back finds its parts, and then nothing may fail for want of other buffers.
  const bool same = std::equal(
      parts.begin(), parts.end(), parts_.begin(), parts_.end(),
      [](const std::vector<int>& entries, const Part& part) { return entries == part.entries; });
  if (!same) SetParts(std::move(parts));
}

std::vector<std::vector<int>> Optimizer::PartsOf(const std::vector<Tensors>& stages) const {
  if (stages.empty()) return AllInOne();
  std::unordered_map<const at::TensorImpl*, int> index_of;
  for (const Entry& entry : entries_) {
    index_of.emplace(entry.parameter.unsafeGetTensorImpl(), static_cast<int>(index_of.size()));
  }
  std::vector<std::vector<int>> parts;
  for (const Tensors& stage : stages) {
    std::vector<int> entries;
    for (const at::Tensor& parameter : stage) {
      const auto found = index_of.find(parameter.unsafeGetTensorImpl());
      TORCH_CHECK(found != index_of.end(),
                  "a parameter is released twice, or the optimizer does not have it");
      entries.push_back(found->second);
      index_of.erase(found);
    }
    parts.push_back(std::move(entries));
  }
  TORCH_CHECK(index_of.empty(), index_of.size(), " parameters are released by no stage");
  return parts;
}

void Optimizer::ReserveScratch() {
  if (reserve_.defined() || entries_.empty()) return;
  const int64_t bytes = ScratchReserveBytes(static_cast<int64_t>(entries_.size()));
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
  if (pager_) pager_->Start();
  for (int part = static_cast<int>(parts_.size()) - 1; part >= 0; --part) StepPart(part);
  if (loss_scale_) loss_scale_->Update();
}

void Optimizer::BeginStep(double lr) {
  TORCH_CHECK(!loss_scale_, "a step in parts cannot be skipped, so it has no loss scale");
  lr_ = lr;
  progress_ = Progress();
  if (pager_) pager_->Start();
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
  if (!progress_.has_counted) CountSteps(parts_[part], 1);
  progress_.has_counted = true;
  const std::vector<Unit>& units = parts_[part].units;
  for (; progress_.units < units.size(); ++progress_.units) {
    const Unit& unit = units[progress_.units];
    if (!progress_.has_stepped_unit) progress_.has_stepped_unit = StepUnit(unit);
    if (progress_.has_stepped_unit && unit.page >= 0) pager_->Done(unit.page);
    progress_.has_stepped_unit = false;
  }
  // A skipped step does not count.
  if (loss_scale_) CountSteps(parts_[part], -1);
  progress_ = Progress();
}

// 1: counts this step. -1: takes it back where the loss scale skipped it.
void Optimizer::CountSteps(const Part& part, int sign) {
  std::vector<at::Tensor> steps;
  for (int index : part.entries) {
    const Entry& entry = entries_[index];
    if (entry.step.defined() && entry.parameter.grad().defined()) steps.push_back(entry.step);
  }
  if (!steps.empty()) at::_foreach_add_(steps, sign > 0 ? one_ : loss_scale_->found_inf(), sign);
}

// Returns false if no parameter of the unit has a gradient.
bool Optimizer::StepUnit(const Unit& unit) {
  if (unit.page >= 0) pager_->Await(unit.page);
  const UpdateLists lists = ListsOf(unit);
  if (lists.gradients.empty()) return false;
  std::optional<at::Tensor> skip;
  if (loss_scale_) skip = loss_scale_->found_inf();
  const ParamGroup& group = groups_[unit.group];
  FusedUpdate(options_, lists, lr_ * group.lr_scale, group.weight_decay, skip);
  return true;
}

UpdateLists Optimizer::ListsOf(const Unit& unit) const {
  UpdateLists lists;
  at::Tensor buffer;
  if (unit.page >= 0) buffer = pager_->Buffer(unit.page);
  for (const StatePiece& piece : unit.pieces) {
    const Entry& entry = entries_[piece.item];
    const at::Tensor& gradient = entry.parameter.grad();
    if (!gradient.defined()) continue;
    CheckLayout(entry.parameter, gradient);
    if (entry.step.defined()) lists.steps.push_back(entry.step);
    if (unit.page < 0) {
      lists.parameters.push_back(Flat(entry.parameter));
      lists.gradients.push_back(Flat(gradient));
      if (entry.exp_avg.defined()) lists.exp_avgs.push_back(Flat(entry.exp_avg));
      if (entry.exp_avg_sq.defined()) lists.exp_avg_sqs.push_back(Flat(entry.exp_avg_sq));
      continue;
    }
    lists.parameters.push_back(FlatRange(entry.parameter, piece.first, piece.count));
    lists.gradients.push_back(FlatRange(gradient, piece.first, piece.count));
    std::vector<at::Tensor>* const states[] = {&lists.exp_avgs, &lists.exp_avg_sqs};
    for (int state = 0; state < StatesPerParameter(); ++state) {
      states[state]->push_back(
          StateIn(buffer, piece.buffer_first[state], piece.count, entry.parameter));
    }
  }
  return lists;
}

void Optimizer::ZeroGrad() {
  for (const Entry& entry : entries_) entry.parameter.mutable_grad().reset();
  ReserveScratch();
}

const std::vector<NamedTensor>& Optimizer::State() const {
  if (pager_) pager_->Synchronize();
  return state_;
}

int64_t Optimizer::DeviceStateBytes() const {
  return is_paged() ? StateBytes() - MovedBytes() + pager_->buffer_bytes() : StateBytes();
}

// What paging takes off the device.
int64_t Optimizer::MovedBytes() const {
  int64_t bytes = 0;
  for (const StateItem& item : items_) bytes += item.elements * item.element_bytes;
  return StatesPerParameter() * bytes;
}

int64_t Optimizer::DeviceStateBytes(bool paged, const std::vector<Tensors>& stages) const {
  if (!paged || MovedBytes() == 0) return StateBytes();
  std::vector<std::vector<int>> parts = PartsOf(stages);
  std::vector<PageRanges> pages;
  for (size_t i = parts.size(); i-- > 0;) MakeUnits(parts[i], /*paged=*/true, pages);
  return StateBytes() - MovedBytes() + Pager::BufferBytesFor(pages);
}

int64_t Optimizer::ReserveBytes() const {
  return reserve_.defined() ? static_cast<int64_t>(reserve_.nbytes()) : 0;
}

int64_t Optimizer::StateBytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& named : state_) bytes += static_cast<int64_t>(named.tensor.nbytes());
  return bytes;
}

}  // namespace slimreel
