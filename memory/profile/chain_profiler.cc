#include "memory/profile/chain_profiler.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "memory/executor/interpreter.h"
#include "memory/policy/split.h"
#include "memory/profile/stage_memory.h"
#include "memory/tracking/device_allocation_hook.h"

namespace slimreel {
namespace {

constexpr int kRepeats = 3;
constexpr double kShortMs = 10.0;

// Runs `work` and returns its time, with what it left running on an accelerator.
template <typename Work>
double TimedMs(at::Device device, Work&& work) {
  const auto finish = [&] {
    if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
  };
  finish();
  const auto start = std::chrono::steady_clock::now();
  work();
  finish();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

std::vector<BlockRef> FindAll(const OpRecorder& recorder, const std::vector<const void*>& data) {
  std::vector<BlockRef> blocks;
  for (const void* address : data) blocks.push_back(recorder.Find(address));
  return blocks;
}

void AdoptAll(OpRecorder& recorder, const std::vector<const void*>& data, BlockSpace space) {
  for (size_t n = 0; n < data.size(); ++n) {
    recorder.Adopt(data[n], {space, static_cast<int32_t>(n)});
  }
}

// The first call of a kernel may be slower than all others. The bytes do not differ.
void UseFasterTime(TracePair& pair) {
  pair[kFirst].ms = pair[kLater].ms = std::min(pair[kFirst].ms, pair[kLater].ms);
}

// Layout and kind of a stage's parameters or buffers. A signature does not say them.
std::string Describe(const std::vector<NamedTensor>& tensors) {
  std::string text;
  for (const NamedTensor& named : tensors) {
    const at::Tensor& tensor = named.tensor;
    absl::StrAppend(&text, c10::toString(tensor.scalar_type()), "[",
                    absl::StrJoin(tensor.sizes(), ","), "][", absl::StrJoin(tensor.strides(), ","),
                    "]", tensor.requires_grad() ? "g" : "", ";");
  }
  return text;
}

// What two stages have in common that do the same work for inputs of equal layout.
std::string Describe(const Stage& stage) {
  return absl::StrCat(stage.signature(), "|", Describe(stage.parameters()), "|",
                      Describe(stage.buffers()), "|", absl::StrJoin(stage.handed_on(), ","), "|",
                      stage.has_lean() ? "lean" : "");
}

size_t NumEntries(const MeasuredStages& stages) {
  return stages.forwards.size() + stages.passes.size();
}

std::string Bits(const std::vector<bool>& bits) {
  std::string text;
  for (bool bit : bits) text += bit ? '1' : '0';
  return text;
}

}  // namespace

std::vector<WantedForms> FormsOf(const Schedule& schedule) {
  std::vector<WantedForms> forms(NumStages(schedule), {false, false});
  for (const Op& op : schedule) {
    if (op.kind == OpKind::kForwardKeep) forms[op.stage].keep = true;
    if (op.kind == OpKind::kForwardLean) forms[op.stage].lean = true;
  }
  return forms;
}

ChainProfiler::ChainProfiler(std::vector<Stage*> chain, int frozen_prefix, at::Device device,
                             ProfileCache* cache)
    : chain_(std::move(chain)), frozen_prefix_(frozen_prefix), device_(device), cache_(cache) {}

ChainProfile ChainProfiler::Profile(const ProfileInput& input) {
  ChainProfile result;
  result.micro_batch = input.micro_batch;
  result.input_bytes = LayoutOf(input.inputs).storage_bytes;
  result.input_can_wait = OneSlotEach(LayoutOf(input.inputs));
  result.profile_ms = TimedMs(device_, [&] { Walk(input, result); });
  return result;
}

void ChainProfiler::Walk(const ProfileInput& input, ChainProfile& result) {
  const std::string key = WalkKey(input);
  const auto [found, is_new] = known_.try_emplace(key);
  Known& known = found->second;
  if (is_new && cache_ != nullptr) {
    known.stages = cache_->Load(key);
    known.num_stored = NumEntries(known.stages);
  }
  stages_ = &known.stages;
  touched_.clear();
  {
    const DeviceAllocationHook hook(device_, &recorder_);
    WalkBackward(input, WalkForward(input), result);
  }
  if (cache_ != nullptr && NumEntries(known.stages) > known.num_stored) {
    cache_->Store(key, known.stages);
    known.num_stored = NumEntries(known.stages);
  }
}

// As a step does before it runs, so no visit takes memory for its log. The stage has its memory.
void ChainProfiler::ReserveLogs(const ProfileInput& input, const Visit& visit) const {
  const int64_t groups =
      NumNormGroups(input.micro_batch, input.micro_batch, input.context.norm_group);
  for (StepLog* log : StepLogs({visit.stage})) log->Reserve(groups);
}

std::vector<ChainProfiler::Visit> ChainProfiler::WalkForward(const ProfileInput& input) {
  std::vector<Visit> visits;
  TupleLayout layout = LayoutOf(input.inputs);
  std::vector<bool> needs(input.inputs.size(), false);
  for (size_t i = 0; i < chain_.size(); ++i) {
    Visit visit{chain_[i], layout, needs, {}, {}};
    const size_t scheduled = i - std::min(i, static_cast<size_t>(frozen_prefix_));
    if (scheduled < input.forms.size()) visit.forms = input.forms[scheduled];
    if (!visit.stage->has_lean()) visit.forms = {true, false};
    visit.key = absl::StrCat(Describe(*visit.stage), "|", layout.Key(), "|", Bits(needs));
    if (i + 1 < chain_.size()) {
      auto found = stages_->forwards.find(visit.key);
      if (found == stages_->forwards.end()) {
        found = stages_->forwards.emplace(visit.key, MeasureForward(input, visit)).first;
      }
      layout = found->second.output;
      needs = found->second.output_needs_gradient;
    }
    visits.push_back(std::move(visit));
  }
  return visits;
}

void ChainProfiler::WalkBackward(const ProfileInput& input, const std::vector<Visit>& visits,
                                 ChainProfile& result) {
  const auto prefix = static_cast<size_t>(frozen_prefix_);
  for (size_t i = 0; i < prefix; ++i) {
    auto profile = std::make_shared<StageProfile>();
    const MeasuredForward& forward = stages_->forwards.at(visits[i].key);
    profile->nograd = forward.nograd;
    profile->output_can_wait = OneSlotEach(forward.output);
    result.prefix.push_back(std::move(profile));
  }
  const size_t num_stages = visits.size() - prefix;
  result.stages.resize(num_stages);
  result.releasing_stages.resize(num_stages);
  TupleLayout gradient;
  for (size_t n = num_stages; n-- > 0;) {
    const Visit& visit = visits[prefix + n];
    const MeasuredPasses& passes = PassesOf(input, visit, gradient);
    result.stages[n] = passes.profile;
    result.unexplained_bytes += passes.unexplained_bytes;
    const std::set<const c10::TensorImpl*> touched = std::exchange(touched_, {});
    result.releasing_stages[n] = PassesOf(input, visit, gradient).profile;
    touched_ = touched;
    gradient = passes.input_gradient;
    for (const NamedTensor& named : visit.stage->parameters()) {
      touched_.insert(named.tensor.unsafeGetTensorImpl());
    }
  }
  for (size_t n = 0; n < num_stages; ++n) result.names.push_back(visits[prefix + n].stage->name());
  AddReleases({visits.begin() + static_cast<std::ptrdiff_t>(prefix), visits.end()}, result);
}

const MeasuredPasses& ChainProfiler::PassesOf(const ProfileInput& input, const Visit& visit,
                                              const TupleLayout& gradient) {
  const std::string key = PassKey(input, visit, gradient);
  auto found = stages_->passes.find(key);
  if (found == stages_->passes.end()) {
    found = stages_->passes.emplace(key, MeasurePasses(input, visit, gradient)).first;
  }
  return found->second;
}

// As ReleaseGroups: a parameter waits for the lowest stage that lists it.
void ChainProfiler::AddReleases(const std::vector<Visit>& visits, ChainProfile& result) const {
  std::map<const c10::TensorImpl*, int> lowest;
  for (size_t n = 0; n < visits.size(); ++n) {
    std::vector<int>& after = result.released_after.emplace_back();
    for (const NamedTensor& named : visits[n].stage->parameters()) {
      if (!named.tensor.requires_grad()) continue;
      const auto stage = static_cast<int>(n);
      after.push_back(lowest.try_emplace(named.tensor.unsafeGetTensorImpl(), stage).first->second);
    }
  }
}

// Everything besides the stages that decides what they do to memory. The position of the samples
// and the values of the loss's parts do not.
std::string ChainProfiler::WalkKey(const ProfileInput& input) const {
  const StageContext& context = input.context;
  const bool has_seed = input.loss_gradient.defined();
  return absl::StrCat("inputs ", LayoutOf(input.inputs).Key(), " targets ",
                      context.targets != nullptr ? LayoutOf(*context.targets).Key() : "none",
                      " training ", context.training, " norm_group ", context.norm_group,
                      " norm_frozen ", context.norm_frozen, " autocast ",
                      context.autocast ? c10::toString(*context.autocast) : "none",
                      " loss_gradient ", has_seed ? LayoutOf({input.loss_gradient}).Key() : "none",
                      " on ", device_.str(), input.flops ? " with flops" : "");
}

std::string ChainProfiler::PassKey(const ProfileInput& input, const Visit& visit,
                                   const TupleLayout& gradient) const {
  std::vector<bool> touched;
  for (const NamedTensor& named : visit.stage->parameters()) {
    touched.push_back(touched_.count(named.tensor.unsafeGetTensorImpl()) > 0);
  }
  return absl::StrCat(visit.key, "|", gradient.Key(), "|", Bits(touched), "|",
                      input.later_micro_batches ? "later" : "first", visit.forms.keep ? "keep" : "",
                      visit.forms.lean ? "lean" : "");
}

MeasuredForward ChainProfiler::MeasureForward(const ProfileInput& input, const Visit& visit) {
  const StageMemory memory(*visit.stage, device_);
  ReserveLogs(input, visit);
  MeasuredForward facts;
  facts.nograd[kFirst] = RecordForward(input, visit, /*first_visit=*/true, &facts);
  facts.nograd[kLater] = visit.stage->buffers().empty()
                             ? facts.nograd[kFirst]
                             : RecordForward(input, visit, /*first_visit=*/false, nullptr);
  UseFasterTime(facts.nograd);
  return facts;
}

MeasuredPasses ChainProfiler::MeasurePasses(const ProfileInput& input, const Visit& visit,
                                            const TupleLayout& gradient) {
  const StageMemory memory(*visit.stage, device_);
  ReserveLogs(input, visit);
  auto profile = std::make_shared<StageProfile>();
  for (const NamedTensor& named : visit.stage->parameters()) {
    profile->parameter_bytes += static_cast<int64_t>(named.tensor.nbytes());
  }
  MeasuredPasses facts;
  unexplained_ = 0;
  const auto known = stages_->forwards.find(visit.key);
  if (known != stages_->forwards.end()) {
    profile->nograd = known->second.nograd;
    profile->output_can_wait = OneSlotEach(known->second.output);
  }
  // Only BatchNorm tells its first visit from later ones.
  const bool visits_differ = !visit.stage->buffers().empty();
  const bool batches_differ = input.later_micro_batches && HasTrainableParameter(*visit.stage);
  const auto measure = [&](bool lean, TracePair& forward, TracePair& backward) {
    Pass first = RecordPass(input, visit, {lean, /*first_visit=*/true, false, gradient});
    // Short operations are measured again, because a busy machine disturbs them more.
    for (int n = 0; n < kRepeats && first.forward.ms + first.backward.ms < kShortMs; ++n) {
      const Pass again = RecordPass(input, visit, {lean, /*first_visit=*/true, false, gradient});
      first.forward.ms = std::min(first.forward.ms, again.forward.ms);
      first.backward.ms = std::min(first.backward.ms, again.backward.ms);
    }
    profile->forward_flops = first.forward_flops;
    forward[kFirst] = forward[kLater] = std::move(first.forward);
    backward[kFirst] = backward[kLater] = std::move(first.backward);
    facts.input_gradient = first.input_gradient;
    if (!visits_differ && !batches_differ) return;
    Pass later = RecordPass(input, visit, {lean, !visits_differ, batches_differ, gradient});
    forward[kLater] = std::move(later.forward);
    backward[kLater] = std::move(later.backward);
    UseFasterTime(forward);
    UseFasterTime(backward);
  };
  profile->has_lean = visit.stage->has_lean();
  if (visit.forms.lean) measure(true, profile->lean, profile->backward_lean);
  if (visit.forms.keep || !visit.forms.lean) {
    measure(false, profile->keep, profile->backward_keep);
  } else {
    profile->keep = profile->lean;
    profile->backward_keep = profile->backward_lean;
  }
  if (profile->has_lean && !visit.forms.lean) {
    profile->lean = profile->keep;
    profile->backward_lean = profile->backward_keep;
  }
  facts.profile = std::move(profile);
  facts.unexplained_bytes = unexplained_;
  return facts;
}

OpTrace ChainProfiler::TakeTrace(double ms) const {
  OpTrace trace;
  trace.events = recorder_.events();
  trace.ms = ms;
  return trace;
}

OpTrace ChainProfiler::RecordForward(const ProfileInput& input, const Visit& visit,
                                     bool first_visit, MeasuredForward* facts) {
  Tensors in = MakeTuple(visit.input, device_);
  const std::vector<const void*> addresses = StorageAddresses(in);
  Interpreter interpreter({visit.stage}, input.context, {std::move(in), visit.needs_gradient},
                          /*ends_with_loss=*/false, {});
  if (!first_visit) interpreter.MarkVisited(0);
  recorder_.Begin();
  AdoptAll(recorder_, addresses, BlockSpace::kInput);
  const double ms = TimedMs(device_, [&] {
    interpreter.Execute({OpKind::kForwardNoGrad, 0}, /*output_read=*/true);
  });
  recorder_.EndOperation();
  DropLogs(StepLogs({visit.stage}));
  OpTrace trace = TakeTrace(ms);
  Boundary out = interpreter.TakeBoundary(1);
  trace.outputs = FindAll(recorder_, StorageAddresses(out.slots));
  if (facts != nullptr) {
    facts->output = LayoutOf(out.slots);
    facts->output_needs_gradient = out.needs_gradient;
  }
  return trace;
}

// Defines the gradients that exist when this backward pass begins in a step.
void ChainProfiler::GiveGradients(const Visit& visit, bool all) const {
  for (const NamedTensor& named : visit.stage->parameters()) {
    if (!named.tensor.requires_grad()) continue;
    const bool exists = all || touched_.count(named.tensor.unsafeGetTensorImpl()) > 0;
    named.tensor.mutable_grad() = exists ? at::zeros_like(named.tensor) : at::Tensor();
  }
}

// The blocks that became gradients. Makes all gradients undefined.
std::vector<BlockRef> ChainProfiler::TakeLearnt(const Visit& visit) const {
  Tensors gradients;
  for (const NamedTensor& named : visit.stage->parameters()) {
    if (named.tensor.grad().defined()) gradients.push_back(named.tensor.grad());
  }
  std::vector<BlockRef> blocks = FindAll(recorder_, StorageAddresses(gradients));
  std::erase(blocks, BlockRef{});  // gradients that existed before
  for (const NamedTensor& named : visit.stage->parameters()) named.tensor.mutable_grad().reset();
  return blocks;
}

ChainProfiler::Pass ChainProfiler::RecordPass(const ProfileInput& input, const Visit& visit,
                                              const PassRequest& request) {
  Pass pass;
  GiveGradients(visit, request.later_micro_batch);
  Tensors in = MakeTuple(visit.input, device_);
  const std::vector<const void*> addresses = StorageAddresses(in);
  Interpreter interpreter({visit.stage}, input.context, {std::move(in), visit.needs_gradient},
                          IsLoss(visit), input.loss_gradient);
  if (!request.first_visit) interpreter.MarkVisited(0);
  const OpKind kind = request.lean ? OpKind::kForwardLean : OpKind::kForwardKeep;

  recorder_.Begin();
  AdoptAll(recorder_, addresses, BlockSpace::kInput);
  const int64_t flops = input.flops ? input.flops() : 0;
  const double forward_ms = TimedMs(device_, [&] {
    interpreter.Execute({kind, 0}, /*output_read=*/true);
  });
  recorder_.EndOperation();
  if (input.flops) pass.forward_flops = input.flops() - flops;
  DropLogs(StepLogs({visit.stage}));
  pass.forward = TakeTrace(forward_ms);
  Boundary out = interpreter.TakeBoundary(1);
  pass.forward.outputs = FindAll(recorder_, StorageAddresses(out.slots));
  out.slots.clear();
  interpreter.TakeOutputs();
  Tensors gradient = interpreter.TakeGradients();
  if (IsLoss(visit)) {
    pass.forward.seeded = FindAll(recorder_, StorageAddresses(gradient));
  } else {
    gradient = MakeTuple(request.gradient, device_);
  }

  // What lives now, only the graph holds.
  std::vector<std::pair<BlockRef, BlockRef>> renamed;
  for (const BlockRef& block : recorder_.Living()) {
    const auto seed = std::find(pass.forward.seeded.begin(), pass.forward.seeded.end(), block);
    if (seed != pass.forward.seeded.end()) {
      renamed.push_back({block, {BlockSpace::kGradient, 0}});
      continue;
    }
    renamed.push_back(
        {block, {BlockSpace::kSaved, static_cast<int32_t>(pass.forward.saved.size())}});
    pass.forward.saved.push_back(block);
  }
  recorder_.Continue(renamed);
  if (!IsLoss(visit)) AdoptAll(recorder_, StorageAddresses(gradient), BlockSpace::kGradient);
  interpreter.SetGradients(std::move(gradient));
  const double backward_ms = TimedMs(device_, [&] {
    interpreter.Execute({OpKind::kBackward, 0}, /*output_read=*/false);
  });
  recorder_.EndOperation();
  pass.backward = TakeTrace(backward_ms);
  Tensors made = interpreter.TakeGradients();
  pass.backward.outputs = FindAll(recorder_, StorageAddresses(made));
  pass.input_gradient = LayoutOf(made);
  made.clear();
  pass.backward.learnt = TakeLearnt(visit);
  for (const BlockRef& block : recorder_.Living()) unexplained_ += recorder_.BytesOf(block);
  return pass;
}

}  // namespace slimreel
