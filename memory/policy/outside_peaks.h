// The peaks of tensor memory outside of the step: loading weights, resuming, saving, evaluating,
// predicting.
//
// Pure functions over numbers. All numbers are requested bytes of live tensors.
#ifndef MEMORY_POLICY_OUTSIDE_PEAKS_H_
#define MEMORY_POLICY_OUTSIDE_PEAKS_H_

#include <array>
#include <cstdint>
#include <string>

namespace slimreel {

// What the phases consist of. Evaluate and predict have no optimizer and no step: 0.
struct OutsideTerms {
  int64_t model_bytes = 0;           // parameters, buffers, and tables that stages hold
  int64_t largest_tensor_bytes = 0;  // the largest parameter or buffer
  bool float64 = false;              // the weights are drawn in float32 and then converted
  int64_t optimizer_bytes = 0;       // state and the reserve (optimizer.h)
  int64_t step_bytes = 0;            // what a step holds between steps: snapshots, values to log
  int64_t copied_tensor_bytes = 0;   // the largest tensor that is not contiguous; 0: none
  // Of the batch that is evaluated at once: what it is charged for (prediction: the frames that are
  // held and the clip), and the highest sum of tensors that the forward pass without gradients
  // adds.
  int64_t evaluation_batch_bytes = 0;
  int64_t forward_peak_bytes = 0;
};

struct OutsidePeaks {
  int64_t load = 0;      // building the model and loading weights into it
  int64_t resume = 0;    // the same, and restoring a checkpoint; before the step is made
  int64_t save = 0;      // between two steps
  int64_t evaluate = 0;  // between two steps; prediction too; 0: nothing is evaluated
  friend bool operator==(const OutsidePeaks&, const OutsidePeaks&) = default;
};

// In order, for files, pages and messages.
struct OutsidePhase {
  const char* name;  // in files
  const char* what;  // in sentences
  int64_t OutsidePeaks::*peak;
};
inline constexpr std::array<OutsidePhase, 4> kOutsidePhases = {{
    {"load", "loading weights", &OutsidePeaks::load},
    {"resume", "resuming", &OutsidePeaks::resume},
    {"save", "saving", &OutsidePeaks::save},
    {"evaluate", "evaluating", &OutsidePeaks::evaluate},
}};

// `resume`, `save` and `evaluate` are exact. `load` is an upper bound. Its slack is
// kBuildSlackBytes, for scalars that are made on the way, and with float64 half of the largest
// tensor, because that tensor may be converted before the last one is made.
inline constexpr int64_t kBuildSlackBytes = 64;

OutsidePeaks PredictOutsidePeaks(const OutsideTerms& terms);

// The phases that take more than `bytes`: "saving (1.5 GiB), evaluating (2 GiB)". Empty: none does.
std::string PhasesAbove(const OutsidePeaks& peaks, int64_t bytes);

}  // namespace slimreel

#endif  // MEMORY_POLICY_OUTSIDE_PEAKS_H_
