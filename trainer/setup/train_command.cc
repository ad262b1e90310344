#include "trainer/setup/train_command.h"

#include <ATen/Context.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/memory_limits.h"
#include "base/mistakes.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "configs/schema.h"
#include "memory/recovery/fits_in_memory.h"
#include "trainer/checkpoint/trained_on.h"
#include "trainer/loop/plan_file.h"
#include "trainer/setup/concession.h"
#include "trainer/setup/config_change.h"
#include "trainer/setup/device.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/device_plan.h"
#include "trainer/setup/resume.h"
#include "trainer/setup/run_lock.h"
#include "trainer/setup/run_request.h"
#include "trainer/setup/session.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

absl::Status CheckRequired(const Config& config) {
  Mistakes mistakes;
  if (config.data.train.empty()) {
    mistakes.Add(
        "data.train is not set; give a shard folder (//data:prepare writes one) or synthetic:N");
  }
  if (config.model.name.empty()) {
    mistakes.Add("model.name is not set; //models:model list shows the known names");
  }
  return mistakes.ToStatus();
}

std::string RunFolder(const TrainCommand& command, const Config& config) {
  if (!command.run.empty()) return command.run;
  if (!config.run.empty()) return config.run;
  const std::string stem = fs::path(command.config).stem().string();
  return absl::StrCat("runs/", stem.empty() ? "default" : stem);
}

std::string ResumeWord(const TrainCommand& command, const Config& config) {
  if (!command.resume.empty()) return command.resume;
  return config.resume.empty() ? "auto" : config.resume;
}

absl::Status DoesNotFit(const Ceiling& ceiling) {
  return NothingFitsError(absl::StrCat(
      "weights and optimizer state, or one sample beside them, do not fit the memory ceiling of ",
      DescribeCeiling(ceiling), "; what helps: ", RaiseCeilingRemedy(ceiling.origin),
      ", a smaller model, train.optimizer=sgd with train.momentum=0, or fewer parameters that "
      "learn (model.freeze)"));
}

void LogSession(const Session& session) {
  const BatchTerms& batch = session.learner.batch;
  LOG(INFO) << session.learner.model->name << ": " << session.settings.length.total_steps
            << " steps of " << batch.effective_batch << " samples in micro-batches of "
            << session.state.micro_batch << ", schedule " << session.state.schedule;
  if (batch.norm_group > 0 && session.settings.budget_bytes > 0) {
    LOG(INFO) << "BatchNorm takes its statistics over " << batch.norm_group
              << " samples, so the budget never splits below micro-batches of "
              << batch.min_micro_batch
              << " (model.norm_group: a smaller number or frozen allows more)";
  }
}

void PrintResult(const Session& session, const TrainState& state) {
  std::cout << "run folder: " << session.settings.run_dir << "\nsteps: " << state.step << " of "
            << session.settings.length.total_steps << "\n";
  if (state.best_step >= 0) {
    std::cout << "best " << state.best_metric << ": " << state.best_value << " at step "
              << state.best_step << "\n";
  }
}

absl::Status PrepareFolder(const Config& config, const RunRequest& request, RunLock& lock,
                           const SampleIds& trained_on) {
  SLIMREEL_RETURN_IF_ERROR(lock.MakeFolder());
  SLIMREEL_RETURN_IF_ERROR(WriteTrainedOn(request.run_dir, trained_on));
  SLIMREEL_RETURN_IF_ERROR(
      WriteFileAtomically(absl::StrCat(request.run_dir, "/config.yaml"), ConfigToYaml(config)));
  return request.start ? MakeNewest(request.run_dir, *request.start) : absl::OkStatus();
}

// --plan_only: nothing is trained, and nothing but plan.json, and the profiles in the user's cache
// folder, is written.
absl::Status ShowPlan(const Session& session, RunLock& lock) {
  std::cout << PlanPage(session.settings.plan);
  SLIMREEL_RETURN_IF_ERROR(lock.MakeFolder());
  return WritePlanFile(session.settings.run_dir, session.settings.plan);
}

absl::Status ShowPlanForDevice(const TrainCommand& command, Config config) {
  if (!command.plan_only) {
    return absl::InvalidArgumentError(
        "--device_profile plans for a card that is not there; give --plan_only too");
  }
  if (config.model.name.empty()) {
    return absl::InvalidArgumentError(
        "model.name is not set; //models:model list shows the known names");
  }
  absl::StatusOr<PlanReport> report = PlanForDevice(config, command.device_profile);
  std::vector<std::string> made;
  while (!report.ok() && ExitCodeOf(report.status()) == ExitCode::kNothingFits) {
    const std::optional<Concession> next = NextConcession(config);
    if (!next) break;
    Concede(*next, &config);
    made.push_back(DescribeConcession(*next));
    report = PlanForDevice(config, command.device_profile);
  }
  if (!report.ok()) return report.status();
  report->concessions = std::move(made);
  std::cout << PlanPage(*report);
  const std::string run_dir = RunFolder(command, config);
  SLIMREEL_ASSIGN_OR_RETURN(RunLock lock, RunLock::Take(run_dir));
  SLIMREEL_RETURN_IF_ERROR(lock.MakeFolder());
  return WritePlanFile(run_dir, *report);
}

bool IsFinished(const RunRequest& request, const Session& session) {
  return request.start && request.start->state.finished &&
         request.start->state.step >= session.settings.length.total_steps;
}

absl::StatusOr<Session> MakeSessionWithin(const Config& config, const RunRequest& request) {
  absl::StatusOr<Session> session;
  if (!FitsInMemory([&] { session = MakeSession(config, request); })) {
    return DoesNotFit(request.ceiling);
  }
  return session;
}

// If nothing fits, a new run gives up what memory.allow lets it give up, and tries again.
absl::StatusOr<Session> MakeSessionConceding(RunRequest& request, Config* config) {
  std::vector<Concession> made;
  if (request.start) made = request.start->state.concessions;
  absl::StatusOr<Session> session = MakeSessionWithin(*config, request);
  while (!session.ok() && ExitCodeOf(session.status()) == ExitCode::kNothingFits &&
         !request.start) {
    const std::optional<Concession> next = NextConcession(*config);
    if (!next) break;
    LOG(WARNING) << session.status().message();
    LOG(WARNING) << "memory.allow lets the run learn something else: " << DescribeConcession(*next);
    Concede(*next, config);
    made.push_back(*next);
    // The attempt may have lowered the ceiling for its loaders.
    SLIMREEL_ASSIGN_OR_RETURN(request.ceiling, EnforceBudget(*config, request.device));
    session = MakeSessionWithin(*config, request);
  }
  if (!session.ok()) return session;
  for (const Concession& concession : made) {
    session->settings.plan.concessions.push_back(DescribeConcession(concession));
  }
  session->state.concessions = std::move(made);
  return session;
}

absl::Status Train(Config config, RunRequest request, RunLock& lock, const std::string& resume,
                   bool plan_only) {
  SLIMREEL_ASSIGN_OR_RETURN(request.ceiling, EnforceBudget(config, request.device));
  absl::StatusOr<Session> session = MakeSessionConceding(request, &config);
  if (!session.ok()) return session.status();
  if (plan_only) return ShowPlan(*session, lock);
  // Only now, because the number of steps depends on the data.
  if (IsFinished(request, *session)) {
    // Nothing is written, and the run folder need not exist: --resume may name another run.
    std::cout << "this run is finished (" << request.start->state.step
              << " steps): " << request.start->path << "\n";
    return absl::OkStatus();
  }
  InstallStopSignal();
  LogSession(*session);
  SLIMREEL_RETURN_IF_ERROR(PrepareFolder(config, request, lock, session->data.trained_on));
  SLIMREEL_ASSIGN_OR_RETURN(auto observers, MakeObservers(config, *session));
  Trainer trainer(session->parts(), session->settings, session->state, std::move(observers));
  SLIMREEL_ASSIGN_OR_RETURN(const RunEnd end, trainer.Run());
  PrintResult(*session, trainer.state());
  if (end == RunEnd::kFinished) return absl::OkStatus();
  return StoppedError(absl::StrCat("stopped by a signal and saved; ", HowToGoOn(resume)));
}

}  // namespace

absl::Status RunTrainCommand(const TrainCommand& command,
                             const std::vector<ConfigOverride>& overrides) {
  std::vector<std::string> notes;
  SLIMREEL_ASSIGN_OR_RETURN(Config config, LoadConfig(command.config, overrides, &notes));
  for (const std::string& note : notes) LOG(INFO) << note;
  if (!command.device_profile.empty()) return ShowPlanForDevice(command, config);
  SLIMREEL_RETURN_IF_ERROR(CheckRequired(config));
  RunRequest request;
  request.profile_step = command.profile_step;
  request.run_dir = RunFolder(command, config);
  SLIMREEL_ASSIGN_OR_RETURN(RunLock lock, RunLock::Take(request.run_dir));
  const std::string resume = ResumeWord(command, config);
  SLIMREEL_ASSIGN_OR_RETURN(request.start, FindStart(resume, request.run_dir));
  if (request.start) {
    SLIMREEL_RETURN_IF_ERROR(SettleBest(&*request.start));
    request.start->state.concessions = RepeatConcessions(request.start->state.concessions, &config);
    SLIMREEL_ASSIGN_OR_RETURN(request.changes, CompareWithCheckpoint(config, *request.start,
                                                                     command.allow_config_change));
  }
  SLIMREEL_ASSIGN_OR_RETURN(request.device, ResolveDevice(config.trainer.device));
  if (config.trainer.deterministic) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  return Train(config, std::move(request), lock, resume, command.plan_only);
}

}  // namespace slimreel
