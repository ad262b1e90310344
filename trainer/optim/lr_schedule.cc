#include "trainer/optim/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace slimreel {
namespace {

// The factor of the base rate at `step`, which is after the warm-up.
double DecayFactor(const LrCurve& curve, int64_t step) {
  const int64_t decay_steps = std::max<int64_t>(1, curve.total_steps - curve.train.warmup_steps);
  // 0 at the end of the warm-up, 1 after the last step.
  const double progress = std::min(
      1.0, static_cast<double>(step - curve.train.warmup_steps) / static_cast<double>(decay_steps));
  switch (curve.train.schedule) {
    case LrSchedule::kConstant:
      return 1.0;
    case LrSchedule::kLinear:
      return 1.0 - progress;
    case LrSchedule::kCosine:
      return 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
    case LrSchedule::kStep: {
      const int64_t size = curve.train.step_size.value_or((curve.total_steps + 2) / 3);
      return std::pow(curve.train.gamma, static_cast<double>(step / std::max<int64_t>(1, size)));
    }
  }
  return 1.0;
}

}  // namespace

double LearningRate(const LrCurve& curve, int64_t step) {
  const double base_lr = ScaledBaseLr(curve.train, curve.effective_batch);
  const int64_t warmup_steps = curve.train.warmup_steps;
  if (step < warmup_steps) {
    return base_lr * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  return base_lr * DecayFactor(curve, step);
}

double ScaledBaseLr(const TrainOptions& train, int64_t effective_batch) {
  if (!train.lr_reference_batch) return train.lr;
  return train.lr * static_cast<double>(effective_batch) /
         static_cast<double>(*train.lr_reference_batch);
}

}  // namespace slimreel
