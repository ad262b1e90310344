#include "trainer/setup/session.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "models/factory/factory.h"
#include "models/weights/weights.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/loop/best_metric.h"
#include "trainer/observers/memory_writer.h"
#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/progress_line.h"
#include "trainer/observers/summary_writer.h"
#include "trainer/setup/resume.h"
#include "trainer/setup/run_options.h"

namespace slimreel {
namespace {

bool HasBatchNorm(const Model& model) {
  for (const NamedTensor& buffer : Buffers(model)) {
    if (absl::EndsWith(buffer.name, "running_mean")) return true;
  }
  return false;
}

absl::Status LoadPretrained(const Model& model, const std::string& path) {
  LoadOptions options;
  // A head for other classes starts anew; everything else must be in the file.
  for (const NamedTensor& head : model.stages.back()->parameters()) {
    options.optional_prefixes.push_back(head.name);
  }
  options.allow_surplus = true;
  std::vector<NamedTensor> tensors = Parameters(model);
  for (NamedTensor& buffer : Buffers(model)) tensors.push_back(std::move(buffer));
  SLIMREEL_ASSIGN_OR_RETURN(const LoadReport report, LoadInto(tensors, path, options));
  LOG(INFO) << path << ": " << report.loaded << " tensors loaded"
            << (report.not_loaded.empty() ? "" : ", new: ")
            << absl::StrJoin(report.not_loaded, ", ");
  return absl::OkStatus();
}

void MoveTo(const Model& model, at::Device device) {
  if (device.is_cpu()) return;
  for (const auto& list : {Parameters(model), Buffers(model)}) {
    for (NamedTensor named : list) named.tensor.set_data(named.tensor.to(device));
  }
}

absl::Status OpenData(const Config& config, Session& session) {
  SLIMREEL_ASSIGN_OR_RETURN(session.train_loader, Loader::Open(TrainLoaderOptions(
                                                      config, session.batch.effective_batch)));
  if (config.evaluation.strategy == EvaluationStrategy::kNo) return absl::OkStatus();
  if (config.data.val.empty()) {
    LOG(WARNING) << "data.val is not set, so nothing is evaluated during training";
    return absl::OkStatus();
  }
  SLIMREEL_ASSIGN_OR_RETURN(session.val_loader,
                            Loader::Open(EvaluationLoaderOptions(config, config.data.val, "val")));
  if (session.val_loader->classes() == session.train_loader->classes()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data.val has the classes ", absl::StrJoin(session.val_loader->classes(), ", "),
                   ", but data.train has ", absl::StrJoin(session.train_loader->classes(), ", "),
                   "; prepare both with the same classes"));
}

absl::StatusOr<int64_t> NumClasses(const Config& config, const Loader& loader) {
  const auto in_data = static_cast<int64_t>(loader.classes().size());
  const int64_t classes = config.model.num_classes.value_or(in_data);
  if (classes < 2 || classes < in_data) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.num_classes is ", classes, ", but data.train has ", in_data,
                     " classes; at least ", std::max<int64_t>(2, in_data), " are needed"));
  }
  if (!config.train.class_weights.empty() &&
      static_cast<int64_t>(config.train.class_weights.size()) != classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("train.class_weights has ", config.train.class_weights.size(),
                     " numbers, but there are ", classes, " classes; give one for each"));
  }
  return classes;
}

absl::Status BuildLearner(const Config& config, Session& session) {
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t classes, NumClasses(config, *session.train_loader));
  SLIMREEL_ASSIGN_OR_RETURN(session.model, BuildModel(MakeModelSpec(config, classes)));
  const Model& model = *session.model;
  SLIMREEL_ASSIGN_OR_RETURN(session.batch,
                            MakeBatchTerms(MakeBatchRequest(config, HasBatchNorm(model))));
  MoveTo(model, session.settings.device);
  SLIMREEL_RETURN_IF_ERROR(FreezeParameters(Parameters(model), config.model.freeze).status());
  if (!config.model.weights.empty()) {
    SLIMREEL_RETURN_IF_ERROR(LoadPretrained(model, config.model.weights));
  }
  session.executor = std::make_unique<Executor>(model.ChainWithLoss());
  session.optimizer = std::make_unique<Optimizer>(
      MakeOptimizerOptions(config), MakeParamGroups(Parameters(model), config.train.weight_decay,
                                                    config.train.no_decay_norm_and_bias));
  return absl::OkStatus();
}

// What the checkpoint says, or a new run's beginning.
absl::Status Restore(const std::optional<FoundCheckpoint>& start, Session& session) {
  TrainState& state = session.state;
  if (!start) {
    state.classes = session.train_loader->classes();
    return absl::OkStatus();
  }
  state = start->state;
  SLIMREEL_RETURN_IF_ERROR(RestoreTensors(start->path, *session.model, session.optimizer.get()));
  const std::string difference =
      EnvironmentDifference(state.environment, CurrentEnvironment(session.settings.device.str()));
  LOG(INFO) << "going on from " << start->path << " at step " << state.step;
  if (!difference.empty()) {
    LOG(WARNING) << "the checkpoint was made elsewhere (" << difference
                 << "): the run goes on, but not bit for bit as it would have there";
  }
  return absl::OkStatus();
}

absl::Status MakeStep(const Config& config, bool resumed, Session& session) {
  const int num_stages = session.executor->num_scheduled_stages() - 1;
  Plan plan;
  plan.micro_batch = session.batch.micro_batch;
  SLIMREEL_ASSIGN_OR_RETURN(plan.modes, MakeStageModes(config, num_stages));
  if (resumed) {
    plan.micro_batch = session.state.micro_batch;
    SLIMREEL_ASSIGN_OR_RETURN(plan.modes, ParseStageModes(session.state.schedule, num_stages));
  }
  session.state.micro_batch = plan.micro_batch;
  session.state.schedule = FormatStageModes(plan.modes);
  TrainStepOptions options;
  options.seed = static_cast<uint64_t>(config.seed);
  options.device = session.settings.device;
  options.norm_group = session.batch.norm_group;
  options.norm_frozen = session.batch.norm_frozen;
  options.clip_grad_norm = config.train.clip_grad_norm.value_or(0.0);
  options.class_weights = config.train.class_weights;
  options.retry_on_oom = config.memory.on_oom == OnOom::kRetry;
  options.limits = MakeTightenLimits(config, session.batch.min_micro_batch);
  session.step = std::make_unique<TrainStep>(*session.model, session.executor.get(),
                                             session.optimizer.get(), options, std::move(plan));
  return absl::OkStatus();
}

absl::Status FillSettings(const Config& config, Session& session) {
  TrainerSettings& settings = session.settings;
  settings.effective_batch_size = session.batch.effective_batch;
  SLIMREEL_ASSIGN_OR_RETURN(
      settings.length,
      MakeRunLength(config, session.batch, session.train_loader->samples_per_epoch()));
  settings.lr = MakeLrCurve(config, session.batch.effective_batch, settings.length.total_steps);
  settings.evaluation = {.strategy = config.evaluation.strategy,
                         .every_steps = config.evaluation.every_steps.value_or(0)};
  if (!config.evaluation.metric.empty()) settings.best_metric = config.evaluation.metric;
  if (!IsMetricName(settings.best_metric)) {
    return absl::InvalidArgumentError(
        absl::StrCat("evaluation.metric is ", settings.best_metric,
                     "; allowed are top1, top5, mean_class_accuracy and loss"));
  }
  settings.checkpoint = {.every_steps = config.checkpoint.every_steps.value_or(0),
                         .every_minutes = config.checkpoint.every_minutes.value_or(0.0)};
  settings.keep_checkpoints = config.checkpoint.keep;
  settings.log_every_steps = config.trainer.log_every_steps;
  if (session.val_loader) {
    session.evaluator = std::make_unique<Evaluator>(
        *session.model, session.val_loader.get(),
        config.trainer.limit_val_batches.Resolve(session.val_loader->batches_per_epoch()),
        settings.device);
  }
  return absl::OkStatus();
}

}  // namespace

TrainerParts Session::parts() const {
  return {.model = model.get(),
          .optimizer = optimizer.get(),
          .step = step.get(),
          .train_loader = train_loader.get(),
          .evaluator = evaluator.get()};
}

absl::StatusOr<std::unique_ptr<Session>> MakeSession(const Config& config,
                                                     const std::string& run_dir,
                                                     const std::optional<FoundCheckpoint>& start,
                                                     at::Device device, int64_t budget_bytes) {
  auto session = std::make_unique<Session>();
  session->settings.run_dir = run_dir;
  session->settings.device = device;
  session->settings.budget_bytes = budget_bytes;
  SLIMREEL_ASSIGN_OR_RETURN(session->batch,
                            MakeBatchTerms(MakeBatchRequest(config, /*has_batch_norm=*/false)));
  SLIMREEL_RETURN_IF_ERROR(OpenData(config, *session));
  SLIMREEL_RETURN_IF_ERROR(BuildLearner(config, *session));
  SLIMREEL_RETURN_IF_ERROR(Restore(start, *session));
  SLIMREEL_RETURN_IF_ERROR(MakeStep(config, start.has_value(), *session));
  SLIMREEL_RETURN_IF_ERROR(FillSettings(config, *session));
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
  observers.push_back(MakeSummaryWriter(run_dir));
  if (config.trainer.progress) {
    observers.push_back(MakeProgressLine({.total_steps = session.settings.length.total_steps,
                                          .first_step = step,
                                          .log_every_steps = config.trainer.log_every_steps}));
  }
  return observers;
}

}  // namespace slimreel
