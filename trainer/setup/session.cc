#include "trainer/setup/session.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "memory/policy/plan.h"
#include "memory/policy/split.h"
#include "memory/tracking/device_memory.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/observers/memory_writer.h"
#include "trainer/observers/metrics_writer.h"
#include "trainer/observers/progress_line.h"
#include "trainer/observers/summary_writer.h"
#include "trainer/optim/layer_decay.h"
#include "trainer/setup/class_lists.h"
#include "trainer/setup/frame_preparation.h"
#include "trainer/setup/held_out.h"
#include "trainer/setup/loader_memory.h"
#include "trainer/setup/model_setup.h"
#include "trainer/setup/plan_terms.h"
#include "trainer/setup/precision.h"
#include "trainer/setup/resume.h"
#include "trainer/setup/run_options.h"

namespace slimreel {
namespace {

// A path that was not given on the command line says where it comes from.
absl::Status FromKey(const char* key, const absl::Status& status) {
  if (status.ok()) return status;
  return WithMessage(status, absl::StrCat(key, ": ", status.message()));
}

// Classes as in data.train, and no sample of it.
absl::Status CheckValidation(const Session& session) {
  if (session.val_loader->classes() != session.train_loader->classes()) {
    return absl::InvalidArgumentError(
        absl::StrCat(DescribeClassDifference({"data.val", session.val_loader->classes()},
                                             {"data.train", session.train_loader->classes()}),
                     "; prepare both with the same classes"));
  }
  return CheckHeldOut(session.trained_on, *session.val_loader, "data.val",
                      "or set evaluation.strategy=no");
}

// Sizes the evaluation's batch within what the budget leaves beside weights and optimizer state.
void FitEvaluation(const Session& session, LoaderOptions* val) {
  const TrainerSettings& settings = session.settings;
  if (settings.budget_bytes == 0) return;
  FitEvaluationBatch(settings.budget_bytes - ReadDeviceMemory(settings.device).live_bytes, val);
}

absl::Status OpenData(const Config& config, const std::optional<FoundCheckpoint>& start,
                      Session& session) {
  LoaderOptions train = TrainLoaderOptions(config, session.batch.effective_batch);
  LoaderOptions val = EvaluationLoaderOptions(config, config.data.val, "val");
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *session.model, &train));
  SLIMREEL_RETURN_IF_ERROR(RequestInputs(config, *session.model, &val));
  const bool wants_evaluation = config.evaluation.strategy != EvaluationStrategy::kNo;
  const bool can_evaluate = !IsOfFamily(config.model.name, "speech");
  const bool evaluates = wants_evaluation && can_evaluate && !config.data.val.empty();
  std::vector<LoaderOptions*> loaders = {&train};
  if (evaluates) {
    FitEvaluation(session, &val);
    loaders.push_back(&val);
  }
  SLIMREEL_ASSIGN_OR_RETURN(session.settings.loader,
                            SizeLoaders(config, FindResources(session.settings.device), loaders));
  absl::StatusOr<std::unique_ptr<Loader>> opened = Loader::Open(train);
  SLIMREEL_RETURN_IF_ERROR(FromKey("data.train", opened.status()));
  session.train_loader = *std::move(opened);
  SLIMREEL_ASSIGN_OR_RETURN(session.trained_on,
                            FindTrainedOn(session.settings.run_dir, start, *session.train_loader));
  if (!evaluates) {
    if (wants_evaluation) {
      LOG(WARNING) << (can_evaluate ? "data.val is not set"
                                    : "evaluating a speech model is not yet available")
                   << ", so nothing is evaluated during training";
    }
    return absl::OkStatus();
  }
  opened = Loader::Open(val);
  SLIMREEL_RETURN_IF_ERROR(FromKey("data.val", opened.status()));
  session.val_loader = *std::move(opened);
  return CheckValidation(session);
}

// Of what the model tells apart: the data's, or more. Speech models have their vocabulary.
absl::StatusOr<int64_t> NumClasses(const Config& config) {
  if (IsOfFamily(config.model.name, "speech")) return config.model.num_classes.value_or(0);
  const auto data_classes = Loader::ReadClasses(TrainLoaderOptions(config, config.data.batch_size));
  SLIMREEL_RETURN_IF_ERROR(FromKey("data.train", data_classes.status()));
  const auto in_data = static_cast<int64_t>(data_classes->size());
  const int64_t classes = config.model.num_classes.value_or(in_data);
  if (classes < 2 && !config.model.num_classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(config.data.train, ", "), " (data.train) has ", in_data,
        in_data == 1 ? " class" : " classes",
        ", and model.num_classes is not set: at least 2 are "
        "needed. Classes come from //data:prepare, by a folder per class inside --input or by "
        "--annotations; with data.train=synthetic:N give model.num_classes"));
  }
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

absl::Status BuildLearner(const Config& config, bool resumed, Session& session) {
  SLIMREEL_ASSIGN_OR_RETURN(const int64_t classes, NumClasses(config));
  SLIMREEL_ASSIGN_OR_RETURN(session.model, SetUpModel(config, classes, session.settings.device,
                                                      /*load_weights=*/!resumed));
  const Model& model = *session.model;
  if (classes != 0 && classes != model.num_classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("model.num_classes is ", classes, ", but ", model.name, " tells ",
                     model.num_classes, " tokens apart, its vocabulary; leave the key out"));
  }
  WarnUnused(config, model);
  SLIMREEL_ASSIGN_OR_RETURN(session.batch,
                            MakeBatchTerms(MakeBatchRequest(config, HasBatchNorm(model))));
  const std::string slow = SlowPrecisionWarning(config.trainer.precision, session.settings.device);
  if (!slow.empty()) LOG(WARNING) << slow;
  session.executor = std::make_unique<Executor>(model.ChainWithLoss());
  session.optimizer =
      std::make_unique<Optimizer>(config.train,
                                  MakeParamGroups(Parameters(model), config.train.weight_decay,
                                                  config.train.no_decay_norm_and_bias,
                                                  LayerLrScales(model, config.train.layer_decay)),
                                  LossScaleFor(config.trainer.precision));
  return absl::OkStatus();
}

// A checkpoint names its classes by their place: other data under the same head would be learnt
// under wrong names.
absl::Status CheckClasses(const TrainState& state, const Loader& loader, const std::string& path) {
  if (state.classes == loader.classes()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, " was trained on other classes: ",
      DescribeClassDifference({"the checkpoint", state.classes}, {"data.train", loader.classes()}),
      "; give the data that it was trained on, or start another --run with model.weights: ", path,
      "/", kModelFile));
}

// Tensors out of the checkpoint, and what changed with them into the state.
absl::Status RestoreLearner(const std::string& path, const ConfigChanges& changes,
                            Session& session) {
  const RestoreMode mode = changes.changes_result ? RestoreMode::kChanged : RestoreMode::kExact;
  const auto notes = RestoreTensors(path, *session.model, session.optimizer.get(), mode);
  if (!notes.ok() && changes.changes_result) {
    return absl::Status(
        notes.status().code(),
        absl::StrCat(notes.status().message(), "\nThe changed configuration (",
                     absl::StrJoin(changes.lines, "; "),
                     ") makes another model of it; put the values back, or start another --run "
                     "with model.weights: ",
                     path, "/", kModelFile));
  }
  SLIMREEL_RETURN_IF_ERROR(notes.status());
  TrainState& state = session.state;
  for (const auto& lines : {changes.lines, *notes}) {
    for (const std::string& line : lines) {
      state.changes.push_back(absl::StrCat("step ", state.step, ": ", line));
    }
  }
  for (const std::string& note : *notes) LOG(WARNING) << note;
  return absl::OkStatus();
}

// What the checkpoint says, or a new run's beginning.
absl::Status Restore(const Config& config, const std::optional<FoundCheckpoint>& start,
                     const ConfigChanges& changes, Session& session) {
  TrainState& state = session.state;
  if (!start) {
    state.classes = session.train_loader->classes();
    SLIMREEL_ASSIGN_OR_RETURN(state.preparation, FindFramePreparation(config.data));
    return absl::OkStatus();
  }
  state = start->state;
  SLIMREEL_RETURN_IF_ERROR(CheckClasses(state, *session.train_loader, start->path));
  SLIMREEL_RETURN_IF_ERROR(RestoreLearner(start->path, changes, session));
  const std::string difference =
      EnvironmentDifference(state.environment, CurrentEnvironment(session.settings.device.str()));
  LOG(INFO) << "going on from " << start->path << " at step " << state.step;
  if (!difference.empty()) {
    LOG(WARNING) << "the checkpoint was made elsewhere (" << difference
                 << "): the run goes on, but not bit for bit as it would have there";
  }
  return absl::OkStatus();
}

void NoteChange(const std::string& what, TrainState& state) {
  LOG(WARNING) << what;
  state.changes.push_back(absl::StrCat("step ", state.step, ": ", what));
}

// The checkpoint's plan, but for what a changed configuration leaves no place for: that is
// `configured`'s, and it is said.
absl::StatusOr<Plan> FittedPlan(const Plan& configured, int num_stages, bool changed,
                                Session& session) {
  TrainState& state = session.state;
  Plan plan{.micro_batch = FitMicroBatch(state.micro_batch, session.batch),
            .modes = configured.modes};
  const auto stored = ParseStageModes(state.schedule, num_stages);
  if (!stored.ok() && !changed) return stored.status();
  if (stored.ok()) plan.modes = *stored;
  if (plan != configured) {
    LOG(WARNING) << "the checkpoint's plan stays in force: " << DescribePlan(plan)
                 << "; the configuration's would be " << DescribePlan(configured);
  }
  // A list has one word per stage that learns: freezing and thawing change their number.
  if (!stored.ok()) {
    NoteChange(absl::StrCat(
                   "the checkpoint's schedule ", state.schedule, " does not fit ", num_stages,
                   " stages and gives way to the configuration's: ", FormatStageModes(plan.modes)),
               state);
  }
  if (plan.micro_batch != state.micro_batch) {
    NoteChange(absl::StrCat("the checkpoint's micro-batch of ", state.micro_batch, " becomes ",
                            plan.micro_batch, ": normalisation groups have ",
                            std::max<int64_t>(1, session.batch.min_micro_batch),
                            " samples, the effective batch ", session.batch.effective_batch),
               state);
  }
  return plan;
}

// A plan is true of what it was made under. Where that changed since the checkpoint, `configured`
// wins, and it is said; else the checkpoint's plan stays, so that what a budget has taught is not
// forgotten.
absl::StatusOr<Plan> ResumedPlan(const Plan& configured, const PlanTerms& terms,
                                 const ConfigChanges& changes, Session& session) {
  TrainState& state = session.state;
  PlanTerms made_under = state.plan_terms;
  if (made_under.keys.empty() && changes.before) made_under.keys = PlanKeys(*changes.before);
  const std::vector<std::string> changed = ChangedTerms(made_under, terms);
  // Small drifts of the ceiling must not add up unseen.
  state.plan_terms = terms;
  const auto num_stages = static_cast<int>(terms.num_stages);
  if (changed.empty()) {
    if (made_under.ceiling_bytes != 0) state.plan_terms.ceiling_bytes = made_under.ceiling_bytes;
    return FittedPlan(configured, num_stages, changes.changes_result, session);
  }
  const auto stored = ParseStageModes(state.schedule, num_stages);
  if (state.micro_batch == configured.micro_batch && stored.ok() && *stored == configured.modes) {
    return configured;
  }
  NoteChange(
      absl::StrCat("the checkpoint's plan (micro-batch ", state.micro_batch, ", schedule ",
                   state.schedule, ") gives way to the configuration's (", DescribePlan(configured),
                   "), because since it was made this changed: ", absl::StrJoin(changed, "; ")),
      state);
  return configured;
}

absl::Status MakeStep(const Config& config, bool resumed, const ConfigChanges& changes,
                      int64_t ceiling_bytes, Session& session) {
  const int num_stages = session.executor->num_scheduled_stages() - 1;
  Plan plan;
  plan.micro_batch = session.batch.micro_batch;
  SLIMREEL_ASSIGN_OR_RETURN(plan.modes, MakeStageModes(config, num_stages));
  const PlanTerms terms{
      .ceiling_bytes = ceiling_bytes, .num_stages = num_stages, .keys = PlanKeys(config)};
  if (resumed) {
    SLIMREEL_ASSIGN_OR_RETURN(plan, ResumedPlan(plan, terms, changes, session));
  } else {
    session.state.plan_terms = terms;
  }
  session.state.micro_batch = plan.micro_batch;
  session.state.schedule = FormatStageModes(plan.modes);
  TrainStepOptions options;
  options.seed = static_cast<uint64_t>(config.seed);
  options.device = session.settings.device;
  options.norm_group = session.batch.norm_group;
  options.norm_frozen = session.batch.norm_frozen;
  options.autocast = AutocastDtype(config.trainer.precision);
  options.clip_grad_norm = config.train.clip_grad_norm;
  options.on_oom = config.memory.on_oom;
  options.budget_bytes = session.settings.budget_bytes;
  options.limits = MakeTightenLimits(config, session.batch.min_micro_batch);
  session.step = std::make_unique<TrainStep>(*session.model, session.executor.get(),
                                             session.optimizer.get(), options, std::move(plan));
  return absl::OkStatus();
}

absl::Status FillSettings(const Config& config, Session& session) {
  TrainerSettings& settings = session.settings;
  settings.effective_batch_size = session.batch.effective_batch;
  SLIMREEL_ASSIGN_OR_RETURN(
      settings.length, FindRunLength(config, session.batch,
                                     session.train_loader->samples_per_epoch(), session.state));
  const LoaderPosition position =
      InEpoch({session.state.loader_epoch, session.state.loader_next_sample},
              settings.length.epoch_samples);
  SLIMREEL_RETURN_IF_ERROR(CheckNormGroup(
      *session.model,
      SmallestNormGroup(session.batch, settings.length.epoch_samples, position.next_sample,
                        settings.length.total_steps - session.state.step)));
  settings.lr = {.train = config.train,
                 .effective_batch = session.batch.effective_batch,
                 .total_steps = settings.length.total_steps};
  settings.evaluation = config.evaluation;
  if (!config.evaluation.metric.empty()) settings.best_metric = config.evaluation.metric;
  settings.checkpoint = config.checkpoint;
  settings.log_every_steps = config.trainer.log_every_steps;
  if (session.val_loader) {
    // As the key has them, whatever the budget makes of a batch.
    const int64_t batch_size = config.data.ResolvedEvalBatchSize();
    const int64_t available = NumSplits(session.val_loader->samples_per_epoch(), batch_size);
    const int64_t batches = config.trainer.limit_val_batches.Resolve(available);
    if (batches == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("trainer.limit_val_batches leaves none of ", available,
                       " batches to evaluate on; raise it, or set evaluation.strategy: no"));
    }
    session.evaluator =
        std::make_unique<Evaluator>(*session.model, session.val_loader.get(), batches * batch_size,
                                    settings.device, AutocastDtype(config.trainer.precision));
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

absl::StatusOr<std::unique_ptr<Session>> MakeSession(
    const Config& config, const std::string& run_dir, const std::optional<FoundCheckpoint>& start,
    const ConfigChanges& changes, at::Device device, const MemoryCeiling& ceiling) {
  auto session = std::make_unique<Session>();
  session->settings.run_dir = run_dir;
  session->settings.device = device;
  session->settings.budget_bytes = ceiling.budget_bytes;
  session->settings.config = ConfigToYaml(config);
  // The model says which inputs the loaders make; its batch terms, how many of them.
  SLIMREEL_RETURN_IF_ERROR(BuildLearner(config, start.has_value(), *session));
  SLIMREEL_RETURN_IF_ERROR(OpenData(config, start, *session));
  SLIMREEL_RETURN_IF_ERROR(Restore(config, start, changes, *session));
  SLIMREEL_RETURN_IF_ERROR(
      MakeStep(config, start.has_value(), changes, ceiling.ceiling_bytes, *session));
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
  observers.push_back(MakeSummaryWriter(run_dir, ReadHistory(run_dir)));
  if (config.trainer.progress) {
    observers.push_back(MakeProgressLine({.total_steps = session.settings.length.total_steps,
                                          .first_step = step,
                                          .log_every_steps = config.trainer.log_every_steps}));
  }
  return observers;
}

}  // namespace slimreel
