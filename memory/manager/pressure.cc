#include "memory/manager/pressure.h"

#include <algorithm>
#include <cmath>

namespace slimreel {
namespace {

// Note [Clean up rarely, relieve late]
// A clean-up costs time later: blocks that went back are filled with fresh pages by the next step,
// and dropped batches are loaded again. A plan that fits its budget tightly is above the threshold
// after each of its steps. So while a pool stays above its threshold, clean-ups come one, two,
// four ... intervals apart, up to kLongestWait. Only a share that rose by kWorse since the last one
// does not wait.
// What was shrunk grows back only after the pools were calm for one interval; after two, four ...
// intervals if the pressure came back before. So growing and shrinking do not alternate.
constexpr int64_t kLongestWait = 16;  // intervals
constexpr double kWorse = 0.05;
// Memory that the process may take besides tensors until the next check.
constexpr int64_t kLeastReserveBytes = int64_t{16} << 20;
constexpr int64_t kReserveDivisor = 50;  // of what the host has left

double BackOff(const PressureRules& rules, int64_t times) {
  constexpr int64_t kMostDoublings = 4;
  static_assert(int64_t{1} << kMostDoublings == kLongestWait);
  return rules.interval_seconds *
         std::ldexp(1.0, static_cast<int>(std::min(times, kMostDoublings)));
}

}  // namespace

PoolLevel LevelOf(const PoolReading& pool, double threshold) {
  if (pool.share() > threshold) return PoolLevel::kAbove;
  return pool.share() <= kCalmShare * threshold ? PoolLevel::kCalm : PoolLevel::kBetween;
}

PressureDecision DecidePressure(const PressureRules& rules, const MemoryReading& reading,
                                const PressureState& state) {
  PressureDecision decision;
  decision.device = LevelOf(reading.device, rules.device_threshold);
  decision.host = LevelOf(reading.host, rules.host_threshold);
  PressureState& next = decision.next = state;
  if (decision.device == PoolLevel::kAbove || decision.host == PoolLevel::kAbove) {
    const double share = std::max(reading.device.share(), reading.host.share());
    decision.clean_up = !state.under_pressure || reading.seconds >= state.next_cleanup_seconds ||
                        share > state.share_at_cleanup + kWorse;
    next.under_pressure = true;
    next.calm_since_seconds = -1.0;
    if (!decision.clean_up) return decision;
    next.next_cleanup_seconds = reading.seconds + BackOff(rules, state.cleanups_in_row);
    next.share_at_cleanup = share;
    ++next.cleanups_in_row;
    return decision;
  }
  if (decision.device != PoolLevel::kCalm || decision.host != PoolLevel::kCalm) {
    next.calm_since_seconds = -1.0;
    return decision;
  }
  if (state.calm_since_seconds < 0.0) next.calm_since_seconds = reading.seconds;
  const double calm_seconds = reading.seconds - next.calm_since_seconds;
  if (state.under_pressure && calm_seconds >= BackOff(rules, state.num_reliefs)) {
    decision.relieved = true;
    next = {.calm_since_seconds = next.calm_since_seconds, .num_reliefs = state.num_reliefs + 1};
  }
  return decision;
}

bool ForcedCleanupIsDue(const PressureRules& rules, int64_t steps) {
  return rules.force_cleanup_every > 0 && steps > 0 && steps % rules.force_cleanup_every == 0;
}

double SecondsToNextCheck(const PressureRules& rules, const MemoryReading& reading) {
  if (reading.host.ceiling_bytes <= 0) return rules.interval_seconds;
  const double seconds =
      static_cast<double>(reading.host_left_bytes) / (kNeighbourPart * kNeighbourBytesPerSecond);
  return std::min(rules.interval_seconds, std::max(kShortestIntervalSeconds, seconds));
}

int64_t StepCeiling(const MemoryReading& reading) {
  if (reading.host.ceiling_bytes <= 0) return 0;
  const int64_t reserve = std::max(kLeastReserveBytes, reading.host_left_bytes / kReserveDivisor);
  const int64_t usable = std::max<int64_t>(0, reading.host_left_bytes - reserve);
  return std::max<int64_t>(1, reading.device.taken_bytes + usable - usable / kNeighbourPart);
}

Placement ChoosePlacement(Placement preferred, Placement now, const PressureDecision& decision) {
  const bool device_above = decision.device == PoolLevel::kAbove;
  const bool host_above = decision.host == PoolLevel::kAbove;
  if (device_above && !host_above) return Placement::kCpu;
  if (host_above && !device_above) return Placement::kDevice;
  return decision.next.under_pressure ? now : preferred;
}

}  // namespace slimreel
