#include "trainer/setup/outside_plan.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/tracking/device_memory.h"
#include "trainer/evaluation/forward_peak.h"
#include "trainer/planning/profile_batch.h"
#include "trainer/setup/precision.h"

namespace slimreel {
namespace {

// What the learner and the step hold.
OutsideTerms TermsOf(const Learner& learner, at::Device device, int64_t learner_bytes) {
  OutsideTerms terms;
  terms.model_bytes = learner.model_bytes;
  terms.optimizer_bytes = learner_bytes - learner.model_bytes;
  terms.step_bytes = ReadDeviceMemory(device).live_bytes - learner_bytes;
  for (const auto& list :
       {Parameters(*learner.model), Buffers(*learner.model), learner.optimizer->State()}) {
    for (const NamedTensor& named : list) {
      const auto bytes = static_cast<int64_t>(named.tensor.nbytes());
      if (!named.tensor.is_contiguous()) {
        terms.copied_tensor_bytes = std::max(terms.copied_tensor_bytes, bytes);
      }
      terms.largest_tensor_bytes = std::max(terms.largest_tensor_bytes, bytes);
      terms.float64 |= named.tensor.scalar_type() == at::kDouble;
    }
  }
  return terms;
}

// Clips that an evaluation takes at once.
int64_t ClipsAtOnce(const Config& config, const Loader& val, int64_t micro_batch) {
  const int64_t clips = std::min(val.batch_size(), val.samples_per_epoch());
  return config.data.eval_batch_size ? clips : std::min(clips, micro_batch);
}

// Predicts the evaluation of `clips` clips at once, or of fewer if they do not fit.
absl::StatusOr<int64_t> FitEvaluation(const Model& model, const Ceiling& ceiling,
                                      ForwardPeak& forward, int64_t held, int64_t* clips) {
  while (true) {
    const std::optional<int64_t> added = forward.Bytes(*clips);
    const int64_t peak = held + *clips * InputBytesPerSample(model) + added.value_or(0);
    if (added && (*clips == 1 || ceiling.bytes == 0 || peak <= ceiling.bytes)) return peak;
    if (*clips == 1) {
      return NothingFitsError(
          "evaluating one clip does not fit in memory beside the model; choose a smaller model, "
          "data.num_frames or data.img_size, or set evaluation.strategy=no");
    }
    *clips = (*clips + 1) / 2;
  }
}

std::string DescribePeaks(const OutsidePeaks& peaks) {
  std::string text;
  for (const OutsidePhase& phase : kOutsidePhases) {
    if (peaks.*phase.peak == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", phase.what, " ",
                    FormatBytes(peaks.*phase.peak));
  }
  return text;
}

void LogPeaks(const PlanReport& report) {
  LOG(INFO) << "predicted peaks outside of the step: " << DescribePeaks(*report.outside);
  if (!report.planned) return;
  const int64_t step_bytes = report.planned->prediction.peak_bytes;
  const std::string above = PhasesAbove(*report.outside, step_bytes);
  if (above.empty()) return;
  LOG(INFO) << "more than a step's " << FormatBytes(step_bytes)
            << " of tensor memory is predicted for: " << above
            << (report.outside->evaluate > step_bytes
                    ? "; a smaller data.eval_batch_size takes less for evaluating"
                    : "");
}

}  // namespace

absl::Status CheckOutsidePeaks(const OutsidePeaks& peaks, const Ceiling& ceiling) {
  if (ceiling.bytes == 0) return absl::OkStatus();
  const std::string above = PhasesAbove(peaks, ceiling.bytes);
  if (above.empty()) return absl::OkStatus();
  return NothingFitsError(absl::StrCat(
      "the steps fit, but not what comes beside them: more than the ceiling of ",
      DescribeCeiling(ceiling), " is predicted for ", above,
      ". What helps: ", RaiseCeilingRemedy(ceiling.origin),
      ", a smaller model, fewer or smaller frames (data.num_frames, data.img_size), or "
      "evaluation.strategy=no if only evaluating is named"));
}

absl::Status PlanOutside(const Config& config, const RunRequest& request, const Learner& learner,
                         int64_t learner_bytes, RunData* data, PlanReport* report) {
  OutsideTerms terms = TermsOf(learner, request.device, learner_bytes);
  OutsidePeaks peaks = PredictOutsidePeaks(terms);
  peaks.evaluate = 0;
  if (data->val) {
    ForwardPeak forward(*learner.model, request.device, AutocastDtype(config.trainer.precision));
    const int64_t wanted = ClipsAtOnce(config, *data->val, report->plan.micro_batch);
    int64_t clips = wanted;
    const int64_t held = terms.model_bytes + terms.optimizer_bytes + terms.step_bytes;
    SLIMREEL_ASSIGN_OR_RETURN(
        peaks.evaluate, FitEvaluation(*learner.model, request.ceiling, forward, held, &clips));
    if (clips < wanted) {
      LOG(WARNING) << "evaluating " << wanted << " clips at once is predicted to pass the ceiling, "
                   << "so " << clips << (clips == 1 ? " is" : " are") << " evaluated at once";
      data->val->SetBatchSize(clips);
    }
    report->evaluated_clips = clips;
  }
  report->outside = peaks;
  SLIMREEL_RETURN_IF_ERROR(CheckOutsidePeaks(peaks, request.ceiling));
  LogPeaks(*report);
  return absl::OkStatus();
}

}  // namespace slimreel
