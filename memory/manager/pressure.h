// Decides when memory is checked, cleaned up and used freely again. Pure functions of readings.
#ifndef MEMORY_MANAGER_PRESSURE_H_
#define MEMORY_MANAGER_PRESSURE_H_

#include <cstdint>

#include "memory/manager/memory_pools.h"

namespace slimreel {

struct PressureRules {
  double device_threshold = 0.85;   // memory.gpu_threshold; 0..1
  double host_threshold = 0.80;     // memory.cpu_threshold; 0..1
  double interval_seconds = 30.0;   // memory.auto_cleanup_interval; > 0
  int64_t force_cleanup_every = 0;  // memory.force_cleanup_every, in steps; 0: never
};

enum class PoolLevel {
  kCalm,     // at most kCalmShare of the threshold
  kBetween,  // neither: what was decided before stays
  kAbove,    // above the threshold
};
inline constexpr double kCalmShare = 0.94;
PoolLevel LevelOf(const PoolReading& pool, double threshold);

// What the decisions remember from check to check. Starts as {}.
struct PressureState {
  bool under_pressure = false;
  int64_t cleanups_in_row = 0;        // since the pressure began
  double next_cleanup_seconds = 0.0;  // a pool that stays above is not cleaned up before
  double share_at_cleanup = 0.0;      // the highest share when the last clean-up was decided
  double calm_since_seconds = -1.0;   // negative: not calm
  int64_t num_reliefs = 0;            // times that pressure has gone
  friend bool operator==(const PressureState&, const PressureState&) = default;
};

struct PressureDecision {
  PoolLevel device = PoolLevel::kCalm;
  PoolLevel host = PoolLevel::kCalm;
  bool clean_up = false;
  bool relieved = false;  // pressure has just gone: what was shrunk may grow back
  PressureState next;     // for the next check
};

// See Note [Clean up rarely, relieve late].
PressureDecision DecidePressure(const PressureRules& rules, const MemoryReading& reading,
                                const PressureState& state);

// `steps`: steps done so far.
bool ForcedCleanupIsDue(const PressureRules& rules, int64_t steps);

// A neighbour is expected to take at most this much per second.
inline constexpr double kNeighbourBytesPerSecond = 100e6;
inline constexpr double kShortestIntervalSeconds = 0.05;
// At most interval_seconds. Less if little memory is left, so that a neighbour takes at most
// 1 / kNeighbourPart of it until the next check.
inline constexpr int64_t kNeighbourPart = 32;
double SecondsToNextCheck(const PressureRules& rules, const MemoryReading& reading);

// The ceiling of live + kept tensor bytes on the CPU until the next check: what is taken now, and
// what the host has left, less the neighbour's part and a reserve. 0: the host's limits are
// unknown.
int64_t StepCeiling(const MemoryReading& reading);

// Where clips are prepared for the model (scaled, normalised): on the CPU or on the device.
enum class Placement { kCpu, kDevice };
// Away from the pool that is above its threshold, if the other one is not. Back to `preferred` once
// the pressure has gone. Otherwise it stays `now`. `decision`: of the last check.
Placement ChoosePlacement(Placement preferred, Placement now, const PressureDecision& decision);

}  // namespace slimreel

#endif  // MEMORY_MANAGER_PRESSURE_H_
