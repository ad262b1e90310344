#include "trainer/setup/train_command.h"

#include <ATen/Context.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/mistakes.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "configs/schema.h"
#include "memory/recovery/fits_in_memory.h"
#include "trainer/checkpoint/trained_on.h"
#include "trainer/setup/config_change.h"
#include "trainer/setup/device_budget.h"
#include "trainer/setup/resume.h"
#include "trainer/setup/run_lock.h"
#include "trainer/setup/run_options.h"
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

absl::Status DoesNotFit(int64_t budget_bytes) {
  return NothingFitsError(absl::StrCat(
      "weights and optimizer state, or one sample beside them, do not fit memory.budget = ",
      FormatBytes(budget_bytes),
      "; raise it, choose a smaller model, train.optimizer=sgd with train.momentum=0, or freeze "
      "parameters (model.freeze)"));
}

void LogSession(const Session& session) {
  const BatchTerms& batch = session.batch;
  LOG(INFO) << session.model->name << ": " << session.settings.length.total_steps << " steps of "
            << batch.effective_batch << " samples in micro-batches of " << session.state.micro_batch
            << ", schedule " << session.state.schedule;
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

absl::Status PrepareFolder(const Config& config, const std::string& run_dir, RunLock& lock,
                           const std::optional<FoundCheckpoint>& start,
                           const SampleIds& trained_on) {
  SLIMREEL_RETURN_IF_ERROR(lock.MakeFolder());
  SLIMREEL_RETURN_IF_ERROR(WriteTrainedOn(run_dir, trained_on));
  SLIMREEL_RETURN_IF_ERROR(
      WriteFileAtomically(absl::StrCat(run_dir, "/config.yaml"), ConfigToYaml(config)));
  return start ? MakeNewest(run_dir, *start) : absl::OkStatus();
}

absl::Status Train(const Config& config, const std::string& run_dir, RunLock& lock,
                   const std::optional<FoundCheckpoint>& start, const ConfigChanges& changes,
                   at::Device device, const std::string& resume) {
  MemoryCeiling ceiling;
  SLIMREEL_ASSIGN_OR_RETURN(ceiling.budget_bytes, EnforceBudget(config, device));
  ceiling.ceiling_bytes = ceiling.budget_bytes;
  if (ceiling.budget_bytes == 0) ceiling.ceiling_bytes = MachineCeilingBytes(device);
  absl::StatusOr<std::unique_ptr<Session>> session;
  if (!FitsInMemory(
          [&] { session = MakeSession(config, run_dir, start, changes, device, ceiling); })) {
    return DoesNotFit(ceiling.budget_bytes);
  }
  if (!session.ok()) return session.status();
  // Asked here, because how many steps a run has is a matter of its data.
  if (start && start->state.finished &&
      start->state.step >= (*session)->settings.length.total_steps) {
    // Where --resume names another run, nothing is written: `run_dir` need not be there.
    std::cout << "this run is finished (" << start->state.step << " steps): " << start->path
              << "\n";
    return absl::OkStatus();
  }
  InstallStopSignal();
  LogSession(**session);
  SLIMREEL_RETURN_IF_ERROR(PrepareFolder(config, run_dir, lock, start, (*session)->trained_on));
  SLIMREEL_ASSIGN_OR_RETURN(auto observers, MakeObservers(config, **session));
  Trainer trainer((*session)->parts(), (*session)->settings, (*session)->state,
                  std::move(observers));
  SLIMREEL_ASSIGN_OR_RETURN(const RunEnd end, trainer.Run());
  PrintResult(**session, trainer.state());
  if (end == RunEnd::kFinished) return absl::OkStatus();
  return StoppedError(absl::StrCat("stopped by a signal and saved; ", HowToGoOn(resume)));
}

}  // namespace

absl::Status RunTrainCommand(const TrainCommand& command,
                             const std::vector<ConfigOverride>& overrides) {
  std::vector<std::string> notes;
  SLIMREEL_ASSIGN_OR_RETURN(const Config config, LoadConfig(command.config, overrides, &notes));
  for (const std::string& note : notes) LOG(INFO) << note;
  SLIMREEL_RETURN_IF_ERROR(CheckRequired(config));
  if (command.plan_only) {
    return absl::UnimplementedError("--plan_only is not yet available: the planner comes later");
  }
  const std::string run_dir = RunFolder(command, config);
  SLIMREEL_ASSIGN_OR_RETURN(RunLock lock, RunLock::Take(run_dir));
  const std::string resume = ResumeWord(command, config);
  SLIMREEL_ASSIGN_OR_RETURN(auto start, FindStart(resume, run_dir));
  ConfigChanges changes;
  if (start) {
    SLIMREEL_RETURN_IF_ERROR(SettleBest(&*start));
    SLIMREEL_ASSIGN_OR_RETURN(changes,
                              CompareWithCheckpoint(config, *start, command.allow_config_change));
  }
  SLIMREEL_ASSIGN_OR_RETURN(const at::Device device, ResolveDevice(config.trainer.device));
  if (config.trainer.deterministic) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  return Train(config, run_dir, lock, start, changes, device, resume);
}

}  // namespace slimreel
