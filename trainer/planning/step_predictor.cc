#include "trainer/planning/step_predictor.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "memory/executor/release_groups.h"
#include "memory/paging/host_pool.h"
#include "memory/policy/split.h"
#include "memory/recovery/step_transaction.h"
#include "memory/tracking/device_memory.h"
#include "trainer/planning/profile_batch.h"

namespace slimreel {
namespace {

std::vector<at::Tensor> TensorsOf(const std::vector<NamedTensor>& named) {
  std::vector<at::Tensor> tensors;
  for (const NamedTensor& entry : named) tensors.push_back(entry.tensor);
  return tensors;
}

int64_t BytesOf(const std::vector<NamedTensor>& named) {
  int64_t bytes = 0;
  for (const NamedTensor& entry : named) bytes += static_cast<int64_t>(entry.tensor.nbytes());
  return bytes;
}

// Loss, norm and, with a loss scale, two more scalars of each step that is not reported yet.
int64_t PendingBytes(bool loss_scale, int64_t element_bytes, int64_t log_every_steps) {
  const int64_t of_step = 2 * element_bytes + (loss_scale ? 8 : 0);
  return of_step * std::max<int64_t>(0, log_every_steps - 1);
}

// All operations of one micro-batch, in ms.
double ScheduleMs(const Schedule& schedule, const ChainProfile& profile) {
  double ms = 0.0;
  for (const auto& stage : profile.prefix) ms += stage->nograd[kFirst].ms;
  std::vector<bool> lean(profile.stages.size());
  for (const Op& op : schedule) {
    const StageProfile& stage = *profile.stages[op.stage];
    if (op.kind == OpKind::kForwardLean) lean[op.stage] = stage.has_lean;
    if (op.kind == OpKind::kForwardKeep) lean[op.stage] = false;
    const bool lean_backward = op.kind == OpKind::kBackward && lean[op.stage];
    ms += lean_backward ? stage.backward_lean[kFirst].ms : TraceOf(stage, op.kind, kFirst).ms;
  }
  return ms;
}

}  // namespace

StepPredictor::StepPredictor(const Model& model, const Optimizer& optimizer,
                             const PredictorOptions& options)
    : StepPredictor(model, LearnerBytes(), optimizer.LossGradient(), options) {
  optimizer_ = &optimizer;
}

StepPredictor::StepPredictor(const Model& model, const LearnerBytes& bytes,
                             const at::Tensor& loss_gradient, const PredictorOptions& options)
    : model_(&model),
      bytes_(bytes),
      loss_gradient_(loss_gradient),
      options_(options),
      profiler_(model.ChainWithLoss(), Executor(model.ChainWithLoss()).frozen_prefix(),
                options.device, options.cache) {}

LearnerBytes StepPredictor::ReadBytes(const Plan& plan) const {
  if (optimizer_ == nullptr) return bytes_;
  LearnerBytes bytes;
  bytes.parameters =
      BytesOf(Parameters(*model_)) + BytesOf(Buffers(*model_)) + BytesOf(Constants(*model_));
  bytes.optimizer = optimizer_->StateBytes();
  if (plan.page_optimizer) {
    bytes.paged_optimizer = PagedBytes(plan.release);
    bytes.host_optimizer = HostPool::TakenBytes(optimizer_->HostStateBytes(), options_.device);
  }
  bytes.reserve = optimizer_->ReserveBytes();
  bytes.other = ReadDeviceMemory(options_.device).live_bytes - bytes.parameters -
                optimizer_->DeviceStateBytes();
  return bytes;
}

// The pages are cut otherwise where the stages are stepped one by one.
int64_t StepPredictor::PagedBytes(bool release) const {
  const auto [found, is_new] = paged_bytes_.try_emplace(release, 0);
  if (is_new) {
    std::vector<Tensors> groups;
    if (release) groups = ReleaseGroups(Executor(model_->ChainWithLoss()).ScheduledStages());
    found->second = optimizer_->DeviceStateBytes(/*paged=*/true, groups);
  }
  return found->second;
}

ChainProfile StepPredictor::Measure(int64_t micro_batch, const Schedule& wanted,
                                    bool later_micro_batches) {
  std::optional<StepTransaction> transaction;  // a model without memory has nothing to put back
  if (optimizer_ != nullptr) {
    transaction.emplace(TensorsOf(Parameters(*model_)), model_->ChainWithLoss());
    transaction->Begin();
  }
  // Also if the profile itself runs out of memory.
  const absl::Cleanup put_back = [&transaction] {
    if (transaction) transaction->Rollback();
  };
  const ProfileBatch batch = MakeProfileBatch(*model_, micro_batch, options_.device);
  ProfileInput input;
  input.micro_batch = micro_batch;
  input.context.training = true;
  input.context.norm_group = options_.norm_group;
  input.context.norm_frozen = options_.norm_frozen;
  input.context.autocast = options_.autocast;
  input.context.targets = &batch.targets;
  input.context.loss_denominator = static_cast<double>(micro_batch);
  input.inputs = batch.inputs;
  input.loss_gradient = loss_gradient_;
  input.flops = options_.flops;
  input.later_micro_batches = later_micro_batches;
  input.forms = FormsOf(wanted);
  ChainProfile profile = profiler_.Profile(input);
  measuring_ms_ += profile.profile_ms;
  return convert_ ? convert_(profile) : profile;
}

StepPrediction StepPredictor::Predict(const Plan& plan, int64_t effective_batch,
                                      const ProfileOf& profile_of) const {
  const auto micro_batches = SplitBatch(effective_batch, plan.micro_batch, options_.norm_group);
  // All micro-batches between the second and the last do the same to memory.
  std::vector<const ChainProfile*> replayed;
  // The room that steps log into lives from now on and is counted so.
  if (optimizer_ != nullptr && !options_.norm_frozen) {
    const int64_t groups = NumNormGroups(effective_batch, plan.micro_batch, options_.norm_group);
    for (StepLog* log : StepLogs(model_->ChainWithLoss())) log->Reserve(groups);
  }
  StepPrediction prediction;
  for (size_t n = 0; n < micro_batches.size(); ++n) {
    const ChainProfile& profile = profile_of(micro_batches[n].count);
    prediction.step_ms += ScheduleMs(plan.schedule, profile);
    if (n < 2 || n + 1 == micro_batches.size()) replayed.push_back(&profile);
  }
  const LearnerBytes learner = ReadBytes(plan);
  const auto element =
      static_cast<int64_t>(c10::elementSize(Parameters(*model_).front().tensor.scalar_type()));
  ReplayOptions replay{.inputs = options_.inputs};
  replay.offload_inputs = plan.offload_inputs;
  if (plan.release && micro_batches.size() == 1) {
    replay.release = ReleaseBytes{.reserve = learner.reserve, .norm = element};
  }
  const ReplayPeak peak = ReplayStep(plan.schedule, replayed, replay);
  BytesByTag& bytes = prediction.by_tag;
  At(bytes, MemoryTag::kParameters) = learner.parameters;
  At(bytes, MemoryTag::kOptimizer) =
      plan.page_optimizer ? learner.paged_optimizer : learner.optimizer;
  At(bytes, MemoryTag::kGradients) = peak.gradient_bytes;
  At(bytes, MemoryTag::kInput) = peak.input_bytes;
  At(bytes, MemoryTag::kActivations) =
      peak.bytes - peak.gradient_bytes - peak.input_bytes - peak.update_bytes;
  At(bytes, MemoryTag::kOther) =
      learner.other + peak.update_bytes +
      PendingBytes(loss_gradient_.defined(), element, options_.log_every_steps);
  if (plan.page_optimizer) prediction.host_bytes += learner.host_optimizer;
  if (plan.offload_inputs) {
    prediction.offloaded_bytes = peak.offloaded_bytes;
    prediction.host_bytes += HostPool::TakenBytes(peak.offloaded_bytes, options_.device);
  }
  prediction.peak_bytes = std::accumulate(bytes.begin(), bytes.end(), int64_t{0});
  return prediction;
}

}  // namespace slimreel
