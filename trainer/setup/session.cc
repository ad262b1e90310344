#include "trainer/setup/session.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "memory/policy/plan.h"
#include "memory/policy/split.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_phase.h"
#include "trainer/observers/memory_writer.h"
#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/progress_line.h"
#include "trainer/observers/summary_writer.h"
#include "trainer/observers/tensorboard_writer.h"
#include "trainer/report/report_writer.h"
#include "trainer/report/step_trace_writer.h"
#include "trainer/setup/model_setup.h"
#include "trainer/setup/outside_plan.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/run_plan.h"
#include "trainer/setup/run_start.h"

namespace slimreel {
namespace {

TightenLimits MakeTightenLimits(const Config& config, int64_t min_micro_batch) {
  TightenLimits limits{.norm_group = min_micro_batch, .allow = config.memory.allow};
  if (!config.model.use_gradient_checkpointing.value_or(true)) limits.allow.checkpointing = false;
  return limits;
}

TrainStepOptions MakeStepOptions(const Config& config, const RunRequest& request,
                                 const BatchTerms& batch) {
  TrainStepOptions options;
  options.seed = static_cast<uint64_t>(config.seed);
  options.device = request.device;
  options.norm_group = batch.norm_group;
  options.norm_frozen = batch.norm_frozen;
  options.clip_grad_norm = config.train.clip_grad_norm;
  options.autocast = AutocastDtype(config.trainer.precision);
  options.on_oom = config.memory.on_oom;
  options.ceiling = request.ceiling;
  options.limits = MakeTightenLimits(config, batch.min_micro_batch);
  options.effective_batch = batch.effective_batch;
  return options;
}

// Samples per epoch and steps in all. trainer.limit_train_batches counts micro-batches.
absl::StatusOr<RunLength> FindRunLength(const Config& config, const BatchTerms& batch,
                                        int64_t samples_per_epoch, const TrainState& state) {
  const int64_t available = NumSplits(samples_per_epoch, batch.micro_batch);
  const int64_t limited = config.trainer.limit_train_batches.Resolve(available);
  if (limited == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.limit_train_batches leaves none of ", available,
                     " batches per epoch; raise it, or give more data"));
  }
  const int64_t accumulate = NumSplits(batch.effective_batch, batch.micro_batch);
  // The last step of an epoch is whole, or short because the samples are used up.
  const int64_t of_whole_steps = NumSplits(limited, accumulate) * batch.effective_batch;
  return MakeRunLength(
      {.train = config.train,
       .epoch_samples = std::min(samples_per_epoch, of_whole_steps),
       .effective_batch = batch.effective_batch,
       .steps_done = state.step,
       .position = {.epoch = state.loader_epoch, .next_sample = state.loader_next_sample}});
}

// Of the steps to come.
absl::Status CheckNormGroups(const Learner& learner, const RunLength& length,
                             const TrainState& state) {
  const LoaderPosition position =
      InEpoch({state.loader_epoch, state.loader_next_sample}, length.epoch_samples);
  return CheckNormGroup(*learner.model,
                        SmallestNormGroup(learner.batch, length.epoch_samples, position.next_sample,
                                          length.total_steps - state.step));
}

absl::StatusOr<TrainerSettings> MakeSettings(const Config& config, const RunRequest& request,
                                             const Session& session) {
  const int64_t effective_batch = session.learner.batch.effective_batch;
  TrainerSettings settings;
  settings.run_dir = request.run_dir;
  settings.device = request.device;
  SLIMREEL_ASSIGN_OR_RETURN(settings.length,
                            FindRunLength(config, session.learner.batch,
                                          session.data.train->samples_per_epoch(), session.state));
  SLIMREEL_RETURN_IF_ERROR(CheckNormGroups(session.learner, settings.length, session.state));
  settings.lr = {.train = config.train,
                 .effective_batch = effective_batch,
                 .total_steps = settings.length.total_steps};
  settings.evaluation = config.evaluation;
  settings.evaluate_by_micro_batch = !config.data.eval_batch_size.has_value();
  if (!config.evaluation.metric.empty()) settings.best_metric = config.evaluation.metric;
  settings.checkpoint = config.checkpoint;
  settings.log_every_steps = config.trainer.log_every_steps;
  settings.effective_batch_size = effective_batch;
  settings.budget_bytes = request.ceiling.bytes;
  settings.loader = session.data.record;
  settings.config = ConfigToYaml(config);
  return settings;
}

absl::StatusOr<std::unique_ptr<Evaluator>> MakeEvaluator(const Config& config, at::Device device,
                                                         const Model& model, Loader* val) {
  // trainer.limit_val_batches counts batches of the configured size, even if the budget lowered
  // the size that runs.
  const int64_t batch_size = config.data.ResolvedEvalBatchSize();
  const int64_t available = NumSplits(val->samples_per_epoch(), batch_size);
  const int64_t batches = config.trainer.limit_val_batches.Resolve(available);
  if (batches == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("trainer.limit_val_batches leaves none of ", available,
                     " batches to evaluate on; raise it, or set evaluation.strategy: no"));
  }
  return std::make_unique<Evaluator>(model, val, batches * batch_size, device,
                                     AutocastDtype(config.trainer.precision));
}

// The first step of this process is always recorded, so that each run has a curve of a step. With
// --profile_step it is that step, and each allocation.
absl::StatusOr<std::unique_ptr<StepRecorder>> MakeRecorder(const RunRequest& request,
                                                           const Session& session) {
  StepRecorderOptions options;
  if (request.profile_step) {
    const int64_t first = session.state.step + 1;
    const int64_t last = session.settings.length.total_steps;
    const bool within = *request.profile_step >= first && *request.profile_step <= last;
    if (!within && first <= last) {  // a finished run does no step and says so itself
      return absl::InvalidArgumentError(absl::StrCat("--profile_step=", *request.profile_step,
                                                     ": this run does the steps ", first, " to ",
                                                     last, "; give one of them"));
    }
    options.step = *request.profile_step;
    options.allocations = true;
  }
  return std::make_unique<StepRecorder>(session.learner.executor->stage_names(), request.device,
                                        options);
}

// The optimizer's state goes where the plan has it, before the step is told.
absl::Status TakePlan(Session& session) {
  const Plan& plan = session.settings.plan.plan;
  Learner& learner = session.learner;
  const bool fits = FitsInMemory([&] {
    learner.optimizer->SetPaging({.pool = plan.page_optimizer ? learner.host_pool.get() : nullptr});
    learner.executor->set_offload(nullptr);
    learner.offload_stack = nullptr;
    if (plan.offload_inputs && session.settings.plan.planned) {
      learner.offload_stack =
          std::make_unique<OffloadStack>(learner.host_pool.get(), session.settings.device,
                                         session.settings.plan.planned->prediction.offloaded_bytes);
      learner.executor->set_offload(learner.offload_stack.get());
    }
    const auto& planned = session.settings.plan.planned;
    session.step->set_plan(plan, planned ? planned->fallbacks : std::vector<FallbackPlan>());
  });
  if (!fits) {
    return NothingFitsError(absl::StrCat(
        "what the plan keeps in host memory does not fit there (", DescribePlan(plan),
        "); raise memory.host_budget, or take paging and offload out of memory.allow"));
  }
  session.state.micro_batch = plan.micro_batch;
  session.state.schedule = ScheduleText(plan);
  session.state.release = session.step->plan().release;
  session.state.page_optimizer = plan.page_optimizer;
  session.state.offload_inputs = plan.offload_inputs;
  return absl::OkStatus();
}

}  // namespace

TrainerParts Session::parts() const {
  return {.model = learner.model.get(),
          .optimizer = learner.optimizer.get(),
          .step = step.get(),
          .train_loader = data.train.get(),
          .evaluator = evaluator.get(),
          .manager = memory.manager.get()};
}

absl::StatusOr<Session> MakeSession(const Config& config, RunRequest request) {
  Session session;
  // The model says which inputs the loaders make, and its batch terms say how many of them.
  SLIMREEL_ASSIGN_OR_RETURN(session.learner, MakeLearner(config, request));
  SLIMREEL_ASSIGN_OR_RETURN(session.data, OpenRunData(config, request, session.learner));
  request.ceiling = session.data.ceiling;
  SLIMREEL_ASSIGN_OR_RETURN(RunStart start,
                            MakeRunStart(config, request, session.data, session.learner));
  session.state = std::move(start.state);
  const Learner& learner = session.learner;
  const DeviceMemoryReading restored = ReadDeviceMemory(request.device);
  const TrainStepOptions options = MakeStepOptions(config, request, learner.batch);
  session.step = std::make_unique<TrainStep>(*learner.model, learner.executor.get(),
                                             learner.optimizer.get(), options, start.plan);
  SLIMREEL_ASSIGN_OR_RETURN(session.settings, MakeSettings(config, request, session));
  SLIMREEL_ASSIGN_OR_RETURN(session.settings.plan,
                            PlanRun(config, request, learner, session.data, options, start));
  SLIMREEL_RETURN_IF_ERROR(TakePlan(session));
  SLIMREEL_RETURN_IF_ERROR(PlanOutside(config, request, learner, restored.live_bytes, &session.data,
                                       &session.settings.plan));
  session.settings.start_peaks = {
      .load = learner.load_peak_bytes,
      .resume = request.start ? At(restored.peak_by_phase, MemoryPhase::kSetup).bytes : 0};
  SLIMREEL_ASSIGN_OR_RETURN(session.recorder, MakeRecorder(request, session));
  session.step->set_hooks(session.recorder.get());
  if (session.data.val) {
    SLIMREEL_ASSIGN_OR_RETURN(
        session.evaluator,
        MakeEvaluator(config, request.device, *learner.model, session.data.val.get()));
  }
  session.memory = MakeRunMemory(config, request, session.data, session.settings.plan);
  return session;
}

absl::StatusOr<std::vector<std::unique_ptr<Observer>>> MakeObservers(const Config& config,
                                                                     const Session& session) {
  const std::string& run_dir = session.settings.run_dir;
  const int64_t step = session.state.step;
  std::vector<std::unique_ptr<Observer>> observers;
  SLIMREEL_ASSIGN_OR_RETURN(auto metrics, MakeMetricsWriter(run_dir, step));
  observers.push_back(std::move(metrics));
  if (config.memory.enable_monitoring) {
    SLIMREEL_ASSIGN_OR_RETURN(auto memory,
                              MakeMemoryWriter(run_dir, step, config.trainer.log_every_steps));
    observers.push_back(std::move(memory));
  }
  if (config.trainer.tensorboard) {
    const int64_t every = config.memory.enable_monitoring ? config.trainer.log_every_steps : 0;
    SLIMREEL_ASSIGN_OR_RETURN(
        auto tensorboard,
        MakeTensorboardWriter(run_dir, {.resumed_step = step, .memory_every_steps = every}));
    observers.push_back(std::move(tensorboard));
  }
  observers.push_back(MakeSummaryWriter(run_dir, ReadHistory(run_dir)));
  observers.push_back(MakeStepTraceWriter(run_dir, session.recorder.get()));
  observers.push_back(MakeReportWriter(run_dir));  // reads what those before it have written
  if (config.trainer.progress) {
    observers.push_back(MakeProgressLine({.total_steps = session.settings.length.total_steps,
                                          .first_step = step,
                                          .log_every_steps = config.trainer.log_every_steps}));
  }
  return observers;
}

}  // namespace slimreel
