#include "trainer/setup/run_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/profile/profile_folder.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/resident_set.h"
#include "models/spec/spec_text.h"
#include "trainer/planning/step_planner.h"
#include "trainer/setup/model_spec.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/state_paging.h"

namespace slimreel {
namespace {

PlanningTerms TermsOf(const Config& config, const RunRequest& request, const Learner& learner,
                      const RunData& data, const TrainStepOptions& step, const RunStart& start) {
  PlanningTerms terms;
  terms.configured = start.plan;
  terms.schedule_is_free =
      config.memory.schedule == "auto" && !config.model.use_gradient_checkpointing.value_or(false);
  terms.effective_batch = learner.batch.effective_batch;
  terms.min_micro_batch = step.limits.norm_group;
  terms.allow = step.limits.allow;
  terms.can_release = WhyNotReleased(step, learner.optimizer->LossGradient().defined()).empty();
  terms.configured.release &= terms.can_release;  // of a checkpoint; its options may have changed
  terms.host_bytes =
      std::max<int64_t>(0, learner.host_pool->budget_bytes() - data.needs.buffer_bytes);
  if (terms.host_bytes > 0) {
    terms.link_bytes_per_ms = MeasureLink(*learner.host_pool, request.device);
  }
  terms.budget_bytes = start.plan_is_kept ? 0 : request.ceiling.bytes;
  terms.search = config.memory.budget.has_value();
  return terms;
}

// What a process grows by after planning, besides tensors and batches: the middle of what was
// measured (README.md). The ceiling keeps room for more.
constexpr int64_t kUsualGrowthBytes = int64_t{10} << 20;

// What the process holds besides tensors stays; tensors and the loaders' buffers come on top.
int64_t PredictHostPeak(const RunRequest& request, const Learner& learner, const RunData& data,
                        const StepPrediction& prediction) {
  const int64_t paged = prediction.host_bytes - learner.host_pool->live_bytes();
  const int64_t resident = ReadResidentSet().bytes + kUsualGrowthBytes + paged;
  if (!request.device.is_cpu()) return resident + data.needs.buffer_bytes;
  const int64_t reserved = ReadDeviceMemory(request.device).reserved_bytes;
  // The micro-batch in hand lies in a buffer of the loader.
  const int64_t tensors = prediction.peak_bytes - At(prediction.by_tag, MemoryTag::kInput);
  return std::max<int64_t>(0, resident - reserved) + tensors + data.needs.buffer_bytes;
}

}  // namespace

absl::StatusOr<PlanReport> PlanRun(const Config& config, const RunRequest& request,
                                   const Learner& learner, const RunData& data,
                                   const TrainStepOptions& step, const RunStart& start) {
  PredictorOptions options;
  options.device = request.device;
  options.norm_group = learner.batch.norm_group;
  options.norm_frozen = learner.batch.norm_frozen;
  options.autocast = AutocastDtype(config.trainer.precision);
  options.log_every_steps = config.trainer.log_every_steps;
  options.inputs = request.device.is_cpu() ? InputLife::kMicroBatch : InputLife::kUntilUnused;
  const auto cache =
      OpenProfileCache(request.device, WorkOf(MakeModelSpec(config, learner.model->num_classes)));
  options.cache = cache.get();
  StepPredictor predictor(*learner.model, *learner.optimizer, options);
  PlanReport report;
  report.model = learner.model->name;
  report.device = request.device.str();
  report.effective_batch = learner.batch.effective_batch;
  report.budget_bytes = request.ceiling.bytes;
  report.ceiling_bytes = request.ceiling.bytes;
  report.ceiling_origin = request.ceiling.origin;
  PlanningTerms terms = TermsOf(config, request, learner, data, step, start);
  absl::StatusOr<PlannedStep> planned = PlanSteps(predictor, terms);
  if (!planned.ok() && !terms.schedule_is_free && config.memory.on_oom == OnOom::kRetry) {
    LOG(WARNING) << "memory.schedule = " << config.memory.schedule
                 << " does not fit with any split, so other schedules are tried: "
                 << planned.status().message();
    terms.schedule_is_free = true;
    planned = PlanSteps(predictor, terms);
  }
  if (!planned.ok()) return planned.status();
  report.planned = *std::move(planned);
  report.plan = report.planned->plan;
  report.predicted_host_peak_bytes =
      PredictHostPeak(request, learner, data, report.planned->prediction);
  LOG(INFO) << "plan: " << DescribePlan(report.plan) << "; predicted peak "
            << FormatBytes(report.planned->prediction.peak_bytes);
  return report;
}

}  // namespace slimreel
