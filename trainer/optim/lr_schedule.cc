#include "trainer/optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace slimreel {
namespace {

// The factor of base_lr at `step`, which is after the warm-up.
double DecayFactor(const LrCurve& curve, int64_t step) {
  const int64_t decay_steps = std::max<int64_t>(1, curve.total_steps - curve.warmup_steps);
  // 0 at the end of the warm-up, 1 after the last step.
  const double progress = std::min(
      1.0, static_cast<double>(step - curve.warmup_steps) / static_cast<double>(decay_steps));
  switch (curve.schedule) {
    case LrSchedule::kConstant:
      return 1.0;
    case LrSchedule::kLinear:
      return 1.0 - progress;
    case LrSchedule::kCosine:
      return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
    case LrSchedule::kStep: {
      const int64_t size = curve.step_size > 0 ? curve.step_size : (curve.total_steps + 2) / 3;
      return std::pow(curve.gamma, static_cast<double>(step / std::max<int64_t>(1, size)));
    }
  }
  return 1.0;
}

}  // namespace

double LearningRate(const LrCurve& curve, int64_t step) {
  if (step < curve.warmup_steps) {
    return curve.base_lr * static_cast<double>(step + 1) / static_cast<double>(curve.warmup_steps);
  }
  return curve.base_lr * DecayFactor(curve, step);
}

double ScaledBaseLr(double lr, int64_t effective_batch, int64_t reference_batch) {
  if (reference_batch <= 0) return lr;
  return lr * static_cast<double>(effective_batch) / static_cast<double>(reference_batch);
}

}  // namespace slimreel
