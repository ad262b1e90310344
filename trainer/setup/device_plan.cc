#include "trainer/setup/device_plan.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "configs/device_table.h"
#include "data/loading/loader.h"
#include "memory/planner/roofline.h"
#include "memory/policy/split.h"
#include "memory/profile/measured_stages.h"
#include "memory/profile/profile_folder.h"
#include "models/factory/factory.h"
#include "models/factory/flop_counter.h"
#include "models/spec/spec_text.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/param_groups.h"
#include "trainer/optim/state_bytes.h"
#include "trainer/planning/step_planner.h"
#include "trainer/setup/batch_terms.h"
#include "trainer/setup/model_setup.h"
#include "trainer/setup/model_spec.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/run_loaders.h"
#include "trainer/setup/start_plan.h"

namespace slimreel {
namespace {

constexpr int64_t kBlockBytes = 512;  // CUDA's allocator rounds every request up to this

int64_t BlockBytes(const std::vector<NamedTensor>& tensors) {
  int64_t bytes = 0;
  for (const NamedTensor& named : tensors) {
    const auto own = static_cast<int64_t>(named.tensor.nbytes());
    bytes += (own + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  }
  return bytes;
}

absl::StatusOr<std::optional<int64_t>> NumClasses(const Config& config) {
  if (IsSpeechModel(config) || config.model.num_classes) return config.model.num_classes;
  if (config.data.train.empty()) {
    return absl::InvalidArgumentError(
        "model.num_classes is not set, and without data.train nothing tells it; give one of them");
  }
  SLIMREEL_ASSIGN_OR_RETURN(
      const auto classes, Loader::ReadClasses(TrainLoaderOptions(config, config.data.batch_size)));
  return std::max<int64_t>(2, static_cast<int64_t>(classes.size()));
}

absl::StatusOr<std::unique_ptr<Model>> ModelWithoutMemory(const Config& config) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::optional<int64_t> classes, NumClasses(config));
  ModelSpec spec = MakeModelSpec(config, classes);
  spec.device = at::kMeta;
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, BuildModel(spec));
  SLIMREEL_RETURN_IF_ERROR(FreezeParameters(Parameters(*model), config.model.freeze).status());
  return model;
}

// What would live between steps. A step's log has a line of statistics for each normalisation
// group, and there are the most groups in the smallest micro-batches.
LearnerBytes BytesOf(const Config& config, const Model& model, const BatchTerms& batch) {
  std::vector<NamedTensor> trainable;
  for (const NamedTensor& named : Parameters(model)) {
    if (named.tensor.requires_grad()) trainable.push_back(named);
  }
  LearnerBytes bytes;
  bytes.parameters =
      BlockBytes(Parameters(model)) + BlockBytes(Buffers(model)) + BlockBytes(Constants(model));
  bytes.optimizer = OptimizerStateBytes(config.train, trainable, kBlockBytes);
  bytes.paged_optimizer = PagedOptimizerBytes(config.train, trainable, kBlockBytes);
  // Page-locked memory is taken in powers of two.
  bytes.host_optimizer = static_cast<int64_t>(std::bit_ceil(
      static_cast<uint64_t>(OptimizerStateBytes(config.train, trainable, kPageAlignment))));
  bytes.reserve = ScratchReserveBytes(static_cast<int64_t>(trainable.size()));
  const int64_t groups =
      batch.norm_frozen ? 0 : NumNormGroups(batch.effective_batch, 1, batch.norm_group);
  bytes.other = groups * BlockBytes(Buffers(model)) +
                OptimizerReserveBytes(static_cast<int64_t>(trainable.size()));
  return bytes;
}

// Memory for tensors: usable bytes less the workspaces of matrix products.
int64_t TensorBytes(const DeviceProfile& device) {
  return device.usable_bytes - device.workspace_bytes;
}

// The smallest card whose tensors may take `bytes`; empty: none of the table.
std::string SmallestCard(int64_t bytes) {
  for (const DeviceProfile& device : DeviceTable()) {
    if (TensorBytes(device) >= bytes) return device.name;
  }
  return "";
}

absl::StatusOr<PlanningTerms> TermsFor(const Config& config, const Executor& executor,
                                       const BatchTerms& batch, const DeviceProfile& device) {
  PlanningTerms terms;
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<StageMode> modes,
                            ConfiguredModes(config, executor.num_scheduled_stages() - 1));
  terms.configured = MakePlan(batch.micro_batch, modes, executor.stage_names());
  terms.schedule_is_free =
      config.memory.schedule == "auto" && !config.model.use_gradient_checkpointing.value_or(false);
  terms.effective_batch = batch.effective_batch;
  terms.min_micro_batch = batch.min_micro_batch;
  terms.allow = config.memory.allow;
  if (!config.model.use_gradient_checkpointing.value_or(true)) terms.allow.checkpointing = false;
  TrainStepOptions step;
  step.clip_grad_norm = config.train.clip_grad_norm;
  step.on_oom = config.memory.on_oom;
  terms.can_release =
      WhyNotReleased(step, LossScaleFor(config.trainer.precision).has_value()).empty();
  // The host of a card that is not there has what the user says, or enough.
  terms.host_bytes = config.memory.host_budget
                         ? config.memory.host_budget->Resolve(device.total_bytes)
                         : std::numeric_limits<int64_t>::max();
  terms.link_bytes_per_ms = device.link_gb_s * 1e6;
  terms.budget_bytes = TensorBytes(device);
  if (config.memory.budget) {
    terms.budget_bytes =
        std::min(terms.budget_bytes, config.memory.budget->Resolve(device.total_bytes));
  }
  terms.measure_chosen = false;  // the device's kernels decide the last bytes anyway
  return terms;
}

StepPredictor MakePredictor(const Config& config, const Model& model, const BatchTerms& batch,
                            const DeviceProfile& device, const FlopCounter& flops,
                            ProfileCache* cache) {
  PredictorOptions options;
  options.cache = cache;
  options.norm_group = batch.norm_group;
  options.norm_frozen = batch.norm_frozen;
  options.autocast = AutocastDtype(config.trainer.precision);
  // Tensors of the two halves have one size, and CPUs lack fast kernels of float16.
  if (options.autocast) options.autocast = at::kBFloat16;
  options.log_every_steps = config.trainer.log_every_steps;
  options.inputs = InputLife::kUntilUnused;
  options.flops = [&flops] { return flops.flops(); };
  const at::Tensor loss_gradient =
      LossScaleFor(config.trainer.precision) ? at::ones({}, at::kFloat) : at::Tensor();
  StepPredictor predictor(model, BytesOf(config, model, batch), loss_gradient, options);
  const Roofline roofline =
      RooflineOf(options.autocast ? device.half_tflops : device.fp32_tflops, device.bandwidth_gb_s);
  predictor.set_convert(
      [roofline](const ChainProfile& profile) { return OnDevice(profile, roofline, kBlockBytes); });
  return predictor;
}

}  // namespace

absl::StatusOr<PlanReport> PlanForDevice(const Config& config, const std::string& device_name) {
  SLIMREEL_ASSIGN_OR_RETURN(const DeviceProfile device, FindDevice(device_name));
  SLIMREEL_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, ModelWithoutMemory(config));
  SLIMREEL_ASSIGN_OR_RETURN(const BatchTerms batch, MakeBatchTerms(config, HasBatchNorm(*model)));
  const Executor executor(model->ChainWithLoss());
  const FlopCounter flops;
  const auto cache = OpenProfileCache(at::kCPU, WorkOf(MakeModelSpec(config, model->num_classes)));
  StepPredictor predictor = MakePredictor(config, *model, batch, device, flops, cache.get());
  SLIMREEL_ASSIGN_OR_RETURN(PlanningTerms terms, TermsFor(config, executor, batch, device));
  absl::StatusOr<PlannedStep> planned = PlanSteps(predictor, terms);
  if (!planned.ok()) {
    terms.budget_bytes = TensorBytes(DeviceTable().back());
    const auto largest = PlanSteps(predictor, terms);
    const std::string card = largest.ok() ? SmallestCard(largest->smallest_budget_bytes) : "";
    return WithMessage(planned.status(),
                       absl::StrCat(device.name, ": ", planned.status().message(),
                                    card.empty() ? " No card of the table is large enough."
                                                 : absl::StrCat(" The smallest card of the table "
                                                                "that would do is ",
                                                                card, ".")));
  }
  PlanReport report;
  report.model = model->name;
  report.device = device.name;
  report.device_profile = device.name;
  report.effective_batch = batch.effective_batch;
  report.plan = planned->plan;
  report.budget_bytes = terms.budget_bytes;
  report.ceiling_bytes = terms.budget_bytes;
  report.ceiling_origin = terms.budget_bytes == TensorBytes(device)
                              ? absl::StrCat("usable memory of ", device.name)
                              : "memory.budget";
  report.smallest_card = SmallestCard(planned->prediction.peak_bytes);
  report.planned = *std::move(planned);
  return report;
}

}  // namespace slimreel
