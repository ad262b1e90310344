#include "memory/policy/outside_peaks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace slimreel {

OutsidePeaks PredictOutsidePeaks(const OutsideTerms& terms) {
  const int64_t held = terms.model_bytes + terms.optimizer_bytes + terms.step_bytes;
  // A tensor of float32 has half of the bytes of the one that it becomes.
  const int64_t converted = terms.float64 ? terms.largest_tensor_bytes / 2 : 0;
  OutsidePeaks peaks;
  peaks.load = terms.model_bytes + converted + kBuildSlackBytes;
  // Files are copied into tensors that exist, piece by piece, without a tensor of their own.
  peaks.resume = std::max(peaks.load, terms.model_bytes + terms.optimizer_bytes);
  peaks.save = held + terms.copied_tensor_bytes;
  peaks.evaluate = held + terms.evaluation_batch_bytes + terms.forward_peak_bytes;
  return peaks;
}

std::string PhasesAbove(const OutsidePeaks& peaks, int64_t bytes) {
  std::string text;
  for (const OutsidePhase& phase : kOutsidePhases) {
    if (peaks.*phase.peak <= bytes) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", phase.what, " (",
                    FormatBytes(peaks.*phase.peak), ")");
  }
  return text;
}

}  // namespace slimreel
