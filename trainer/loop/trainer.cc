#include "trainer/loop/trainer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "base/status_text.h"
#include "base/stop_signal.h"
#include "memory/policy/outside_peaks.h"
#include "memory/policy/split.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/loop/best_metric.h"
#include "trainer/loop/memory_reading.h"
#include "trainer/loop/plan_file.h"

namespace slimreel {
namespace {

// Zeros if the process that had the peak did not know them.
BytesByTag TagsOfPeak(const PeakBytes& peaks) {
  const MemoryPeak& highest = Highest(peaks.by_phase);
  return highest.bytes == peaks.device ? highest.by_tag : BytesByTag{};
}

std::vector<OutsidePeakRecord> CompareOutside(const std::optional<OutsidePeaks>& predicted,
                                              const OutsidePeaks& measured) {
  std::vector<OutsidePeakRecord> records;
  if (!predicted) return records;
  for (const OutsidePhase& phase : kOutsidePhases) {
    records.push_back({.phase = phase.name,
                       .predicted_bytes = *predicted.*phase.peak,
                       .measured_bytes = measured.*phase.peak});
    const OutsidePeakRecord& record = records.back();
    if (record.measured_bytes <= record.predicted_bytes || record.predicted_bytes == 0) continue;
    LOG(WARNING) << phase.what << " took " << record.measured_bytes
                 << " bytes of tensor memory, more than the predicted " << record.predicted_bytes;
  }
  return records;
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const TrainerParts& parts, const TrainerSettings& settings, TrainState state,
                 std::vector<std::unique_ptr<Observer>> observers)
    : parts_(parts),
      settings_(settings),
      state_(std::move(state)),
      plan_(parts.step, &state_, settings.plan),
      observers_(std::move(observers)) {}

absl::StatusOr<RunEnd> Trainer::Run() {
  const PhaseScope phase(MemoryPhase::kTrain);  // evaluating and saving are phases inside
  SLIMREEL_RETURN_IF_ERROR(WritePlanFile(settings_.run_dir, settings_.plan));
  last_report_ = last_save_ = Clock::now();
  MoveTo({.epoch = state_.loader_epoch, .next_sample = state_.loader_next_sample});
  state_.finished = false;  // a finished run may have been made longer
  initial_state_ = state_;
  absl::Status status = Loop();
  // A stop came while a batch was loaded or an evaluation ran. The state is that of the last whole
  // step, and it says which step was evaluated last.
  if (absl::IsCancelled(status) && StopRequested()) status = absl::OkStatus();
  if (!status.ok()) return SaveAfterError(status);
  state_.finished = state_.step >= settings_.length.total_steps && !EvaluationIsDue();
  if (!saved_state_ || !EqualsExceptPeaks(*saved_state_)) SLIMREEL_RETURN_IF_ERROR(Save());
  SLIMREEL_RETURN_IF_ERROR(ReportEnd(state_.finished ? "" : "signal"));
  return state_.finished ? RunEnd::kFinished : RunEnd::kStopped;
}

absl::Status Trainer::Loop() {
  const int64_t last_step = settings_.length.total_steps;
  // The process before may have stopped between a step and its evaluation.
  SLIMREEL_RETURN_IF_ERROR(EvaluateIfDue());
  if (state_.step < last_step && best_is_unsaved_) SLIMREEL_RETURN_IF_ERROR(Save());
  while (state_.step < last_step && !StopRequested()) {
    SLIMREEL_RETURN_IF_ERROR(OneStep());
    if (StopRequested()) break;
    SLIMREEL_RETURN_IF_ERROR(EvaluateIfDue());
    // One save, even if there are two reasons for it. After the last step Run() saves.
    const bool due = best_is_unsaved_ || CheckpointDue(settings_.checkpoint, state_.step,
                                                       SecondsSince(last_save_) / 60.0);
    if (state_.step == last_step || !due) continue;
    SLIMREEL_RETURN_IF_ERROR(RelaxIfDue());
    SLIMREEL_RETURN_IF_ERROR(Save());
  }
  return absl::OkStatus();
}

// Saves the state before the error ends the run. It is the state of the last whole step: a failed
// step was undone, and neither the loader nor an evaluation changes the state.
absl::Status Trainer::SaveAfterError(const absl::Status& error) {
  if (parts_.step->is_half_done()) {
    return WithMessage(error, absl::StrCat(error.message(), "\nNothing was saved, because step ",
                                           state_.step + 1, " is half done. The same command goes ",
                                           "on from the last checkpoint in ", settings_.run_dir));
  }
  // After a failed write, a checkpoint would claim lines that are not on the disk.
  if (write_failed_ || state_.step == 0) return error;
  // Saving needs some memory, too.
  if (parts_.manager != nullptr && absl::IsResourceExhausted(error)) parts_.manager->CleanUp();
  const bool changed = !EqualsExceptPeaks(saved_state_ ? *saved_state_ : initial_state_);
  absl::Status saved = changed ? Save() : absl::OkStatus();
  if (saved.ok() && saved_state_) saved = ReportEnd("error");
  const std::string of_step = absl::StrCat(error.message(), "\nThe state of step ", state_.step);
  if (!saved.ok()) {
    return WithMessage(error, absl::StrCat(of_step, " could not be saved: ", saved.message()));
  }
  return WithMessage(
      error, absl::StrCat(of_step, changed ? " was saved in " : " is in ", settings_.run_dir,
                          "/checkpoints/", CheckpointName(state_.step)));
}

// Peaks are left out: a new reading of memory is no reason to write a checkpoint again.
bool Trainer::EqualsExceptPeaks(const TrainState& known) const {
  TrainState now = state_;
  now.peaks = known.peaks;
  return now == known;
}

absl::StatusOr<StepOutcome> Trainer::RunStep(const Batch& batch, double lr) {
  const AutoMemoryScope scope(parts_.manager);  // its end cleans up, if that is due
  return parts_.step->Run(batch, state_.step, lr);
}

absl::Status Trainer::OneStep() {
  const auto start = Clock::now();
  SLIMREEL_ASSIGN_OR_RETURN(const Batch batch, parts_.train_loader->Next());
  const double lr = LearningRate(settings_.lr, state_.step);
  SLIMREEL_ASSIGN_OR_RETURN(StepOutcome outcome, RunStep(batch, lr));
  ++state_.step;
  MoveTo(parts_.train_loader->position());
  state_.samples_seen += outcome.samples;
  state_.oom_retries += outcome.oom_retries;
  const bool tightened = plan_.AfterStep();
  pending_.push_back({.record = {.step = state_.step,
                                 .epoch = batch.epoch,
                                 .loss = 0.0,
                                 .grad_norm = 0.0,
                                 .lr = lr,
                                 .samples = outcome.samples,
                                 .step_ms = 1e3 * SecondsSince(start),
                                 .micro_batch = state_.micro_batch,
                                 .oom_retries = outcome.oom_retries},
                      .loss = std::move(outcome.loss),
                      .grad_norm = std::move(outcome.grad_norm),
                      .found_inf = std::move(outcome.found_inf),
                      .loss_scale = std::move(outcome.loss_scale)});
  const bool log =
      state_.step % settings_.log_every_steps == 0 || state_.samples_seen == outcome.samples;
  if (tightened) SLIMREEL_RETURN_IF_ERROR(WritePlan());
  return log || outcome.oom_retries > 0 ? ReportPending() : absl::OkStatus();
}

// A checkpoint that is due stores the plan, so a run that goes on from it takes the same steps.
absl::Status Trainer::RelaxIfDue() {
  CheckpointMemory memory;
  if (parts_.manager != nullptr) {
    parts_.manager->Check();
    const HostOutlook host = parts_.manager->ReadHostOutlook();
    memory = {.under_pressure = host.is_short, .ceiling_bytes = host.ceiling_bytes};
  }
  if (!settings_.device.is_cpu()) {
    memory.ceiling_bytes = ReadDeviceTotals(settings_.device).free_bytes +
                           ReadDeviceMemory(settings_.device).reserved_bytes;
  }
  return plan_.BeforeCheckpoint(memory) ? WritePlan() : absl::OkStatus();
}

absl::Status Trainer::WritePlan() {
  return NoteWrite(WritePlanFile(settings_.run_dir, plan_.report()));
}

// Stores the position of the next batch. Epochs are counted in samples, not in steps, because a run
// may resume with another batch size. trainer.limit_train_batches may end an epoch before the
// loader's own end; then the loader is moved to the next epoch.
void Trainer::MoveTo(const LoaderPosition& position) {
  const LoaderPosition next = InEpoch(position, settings_.length.epoch_samples);
  if (next != parts_.train_loader->position()) parts_.train_loader->Seek(next);
  state_.loader_epoch = next.epoch;
  state_.loader_next_sample = next.next_sample;
}

bool Trainer::EvaluationIsDue() const {
  const bool epoch_ended = state_.loader_next_sample == 0;
  return parts_.evaluator != nullptr && state_.evaluated_step != state_.step &&
         EvaluationDue(settings_.evaluation, settings_.length, state_.step, epoch_ended);
}

// Says if the evaluation takes more memory than the steps, which the plan is made for.
absl::StatusOr<EvaluationResult> Trainer::Evaluate() {
  if (settings_.evaluate_by_micro_batch) {
    parts_.evaluator->LimitBatchSize(parts_.step->plan().micro_batch);
  }
  const auto peak_of = [this](MemoryPhase phase) {
    return At(ReadDeviceMemory(settings_.device).peak_by_phase, phase).bytes;
  };
  const int64_t before = peak_of(MemoryPhase::kEvaluate);
  absl::StatusOr<EvaluationResult> result = parts_.evaluator->Run();
  const int64_t after = peak_of(MemoryPhase::kEvaluate), of_steps = peak_of(MemoryPhase::kTrain);
  if (after > before && after > of_steps && state_.step > initial_state_.step) {
    LOG(INFO) << "the evaluation takes up to " << FormatBytes(after)
              << " of tensor memory, more than the steps (" << FormatBytes(of_steps)
              << "); a smaller data.eval_batch_size takes less";
  }
  return result;
}

absl::Status Trainer::EvaluateIfDue() {
  if (!EvaluationIsDue()) return absl::OkStatus();
  SLIMREEL_RETURN_IF_ERROR(ReportPending());
  const auto start = Clock::now();
  AutoMemoryScope scope(parts_.manager, AutoMemoryScope::Kind::kOther);
  SLIMREEL_ASSIGN_OR_RETURN(const EvaluationResult result, Evaluate());
  scope.End();
  state_.evaluated_step = state_.step;
  const EvaluationRecord record{.step = state_.step,
                                .epoch = state_.loader_epoch,
                                .metrics = result.metrics,
                                .seconds = SecondsSince(start)};
  for (const auto& observer : observers_) {
    SLIMREEL_RETURN_IF_ERROR(NoteWrite(observer->OnEvaluation(record)));
  }
  last_report_ = Clock::now();
  UpdateBest(result.metrics);
  return absl::OkStatus();
}

void Trainer::UpdateBest(const EvaluationMetrics& metrics) {
  const double value = FindMetric(metrics.values, settings_.best_metric).value_or(std::nan(""));
  // NaN logits still give a top-1 value. Such weights must not become the best.
  const double loss = FindMetric(metrics.values, "loss").value_or(0.0);
  if (!std::isfinite(loss)) {
    LOG(WARNING) << "the evaluation's loss at step " << state_.step << " is " << loss
                 << ", so this step does not become the best checkpoint";
    return;
  }
  // A best value of another metric cannot be compared.
  const bool has_best = state_.best_step >= 0 && state_.best_metric == settings_.best_metric;
  if (!IsBetter(settings_.best_metric, value, state_.best_value, has_best)) return;
  state_.best_metric = settings_.best_metric;
  state_.best_value = value;
  state_.best_step = state_.step;
  best_is_unsaved_ = true;
}

// A step above its prediction is an error of the prediction, also if it fitted.
void Trainer::CompareWithPrediction() {
  const int64_t peak_bytes =
      At(ReadDeviceMemory(settings_.device).peak_by_phase, MemoryPhase::kTrain).bytes;
  const bool rose = peak_bytes > std::exchange(trained_peak_bytes_, peak_bytes);
  if (!rose || !plan_.report().planned) return;
  const int64_t predicted = plan_.report().planned->prediction.peak_bytes;
  if (peak_bytes <= predicted) return;
  ++steps_above_prediction_;
  LOG(WARNING) << "a step's peak of " << peak_bytes << " bytes is above the predicted "
               << predicted;
}

// Reads memory and raises the run's peaks to the reading. The record's peaks are those of the whole
// run: the state carries them from process to process.
MemoryRecord Trainer::ReadMemoryAndUpdatePeaks() {
  MemoryRecord memory = ReadMemory(settings_.device, settings_.budget_bytes);
  memory.loader_bytes = parts_.train_loader->buffer_bytes();
  if (parts_.evaluator != nullptr) memory.loader_bytes += parts_.evaluator->loader_bytes();
  if (parts_.manager != nullptr) {
    // A step of an accelerator resets the peaks of its allocator.
    const PoolStats device = parts_.manager->GetStats().device;
    memory.peak_bytes = std::max(memory.peak_bytes, device.peak_bytes);
    memory.reserved_bytes = std::max(memory.reserved_bytes, device.peak_reserved_bytes);
  }
  PeakBytes& peaks = state_.peaks;
  memory.peak_bytes = peaks.device = std::max(peaks.device, memory.peak_bytes);
  memory.reserved_bytes = peaks.reserved = std::max(peaks.reserved, memory.reserved_bytes);
  memory.host_bytes = peaks.host = std::max(peaks.host, memory.host_bytes);
  memory.loader_bytes = peaks.loader = std::max(peaks.loader, memory.loader_bytes);
  memory.peak_by_phase = peaks.by_phase = HigherOf(peaks.by_phase, memory.peak_by_phase);
  memory.peak_by_tag = TagsOfPeak(peaks);
  return memory;
}

absl::Status Trainer::ReportPending() {
  if (pending_.empty()) return absl::OkStatus();
  const MemoryRecord memory = ReadMemoryAndUpdatePeaks();
  CompareWithPrediction();
  std::vector<PendingStep> reported = std::exchange(pending_, {});
  for (PendingStep& step : reported) {
    step.record.loss = step.loss.item<double>();
    step.record.grad_norm = step.grad_norm.item<double>();
    if (!step.found_inf.defined()) continue;
    step.record.found_inf = step.found_inf.item<double>() != 0.0;
    step.record.loss_scale = step.loss_scale.item<double>();
  }
  // An accelerator runs behind the host, so only the mean over these steps is known there.
  const double mean_ms = 1e3 * SecondsSince(last_report_) / static_cast<double>(reported.size());
  last_report_ = Clock::now();
  for (PendingStep& step : reported) {
    if (!settings_.device.is_cpu()) step.record.step_ms = mean_ms;
    if (!std::isfinite(step.record.loss)) {
      LOG(WARNING) << "the loss of step " << step.record.step << " is " << step.record.loss
                   << "; if it stays so, lower train.lr or train.clip_grad_norm";
    }
    if (step.record.found_inf) {
      LOG(INFO) << "step " << step.record.step << " is left out: its gradients overflowed at loss "
                << "scale " << step.record.loss_scale.value_or(0.0) << "; the scale is halved";
    }
    for (const auto& observer : observers_) {
      SLIMREEL_RETURN_IF_ERROR(NoteWrite(observer->OnStep(step.record, memory)));
    }
  }
  return Flush();
}

// Remembers a failed write: no checkpoint may follow it.
absl::Status Trainer::NoteWrite(absl::Status status) {
  if (!status.ok()) write_failed_ = true;
  return status;
}

absl::Status Trainer::Flush() {
  for (const auto& observer : observers_) SLIMREEL_RETURN_IF_ERROR(NoteWrite(observer->Flush()));
  return absl::OkStatus();
}

absl::Status Trainer::Save() {
  SLIMREEL_RETURN_IF_ERROR(ReportPending());
  SLIMREEL_RETURN_IF_ERROR(Flush());
  ReadMemoryAndUpdatePeaks();  // an evaluation may have raised the peaks since the last report
  absl::StatusOr<TrainState> stored = SaveCheckpoint({.run_dir = settings_.run_dir,
                                                      .device = settings_.device.str(),
                                                      .config = settings_.config,
                                                      .keep = settings_.checkpoint.keep,
                                                      .model = parts_.model,
                                                      .optimizer = parts_.optimizer},
                                                     state_);
  SLIMREEL_RETURN_IF_ERROR(NoteWrite(stored.status()));
  // A save that allocates nothing has no peak of its own: it holds what lives.
  const DeviceMemoryReading memory = ReadDeviceMemory(settings_.device);
  saved_peak_bytes_ = std::max(
      {saved_peak_bytes_, memory.live_bytes, At(memory.peak_by_phase, MemoryPhase::kSave).bytes});
  state_ = *std::move(stored);
  saved_state_ = state_;
  best_is_unsaved_ = false;
  last_save_ = last_report_ = Clock::now();
  return absl::OkStatus();
}

// By this process. 0: not measured.
OutsidePeaks Trainer::MeasuredOutside() const {
  OutsidePeaks peaks = settings_.start_peaks;
  peaks.save = saved_peak_bytes_;
  peaks.evaluate =
      At(ReadDeviceMemory(settings_.device).peak_by_phase, MemoryPhase::kEvaluate).bytes;
  return peaks;
}

// The peaks are those of the state, so a resumed run never reports lower ones.
absl::Status Trainer::ReportEnd(const std::string& stopped_by) {
  const RunRecord run{
      .effective_batch_size = settings_.effective_batch_size,
      .micro_batch_size = state_.micro_batch,
      .accumulate_grad_batches = NumSplits(settings_.effective_batch_size, state_.micro_batch),
      .schedule = state_.schedule,
      .steps = state_.step,
      .epochs = state_.loader_epoch,
      .oom_retries = state_.oom_retries,
      .relaxations = state_.relaxations,
      .predicted_peak_bytes =
          plan_.report().planned ? plan_.report().planned->prediction.peak_bytes : 0,
      .steps_above_prediction = steps_above_prediction_,
      .outside = CompareOutside(settings_.plan.outside, MeasuredOutside()),
      .memory = {.live_bytes = 0,
                 .peak_bytes = state_.peaks.device,
                 .reserved_bytes = state_.peaks.reserved,
                 .host_bytes = state_.peaks.host,
                 .loader_bytes = state_.peaks.loader,
                 .budget_bytes = settings_.budget_bytes,
                 .live_by_tag = {},
                 .peak_by_tag = TagsOfPeak(state_.peaks),
                 .peak_by_phase = state_.peaks.by_phase},
      .loader = settings_.loader,
      .manager = parts_.manager != nullptr ? parts_.manager->GetStats() : MemoryStats(),
      .changes = state_.changes,
      .stopped_by = stopped_by};
  for (const auto& observer : observers_) SLIMREEL_RETURN_IF_ERROR(observer->OnEnd(run));
  return absl::OkStatus();
}

}  // namespace slimreel
