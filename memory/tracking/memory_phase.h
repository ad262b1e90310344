// What the process does now: training, evaluating or saving. The CPU allocator keeps a peak for
// each phase, so that a peak outside of the step is seen beside the step's.
//
// Threading: the phase belongs to the process. One thread sets it; any thread reads it.
#ifndef MEMORY_TRACKING_MEMORY_PHASE_H_
#define MEMORY_TRACKING_MEMORY_PHASE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memory/tracking/memory_tag.h"

namespace slimreel {

enum class MemoryPhase : uint8_t {
  kSetup,     // until a scope says otherwise: the model is made, weights or a checkpoint are read
  kTrain,     // steps, and what is between them
  kEvaluate,  // an evaluation
  kSave,      // a checkpoint is written
};
constexpr std::array<MemoryPhase, 4> kMemoryPhases = {MemoryPhase::kSetup, MemoryPhase::kTrain,
                                                      MemoryPhase::kEvaluate, MemoryPhase::kSave};

// "setup", "train", "evaluate", "save".
std::string_view MemoryPhaseName(MemoryPhase phase);

// The highest live bytes at an allocation, and their tags at that moment.
struct MemoryPeak {
  int64_t bytes = 0;
  BytesByTag by_tag{};  // sums to `bytes`
  friend bool operator==(const MemoryPeak&, const MemoryPeak&) = default;
};

// A peak for each phase; MemoryPhase is the index. 0 bytes: nothing was allocated in it.
using PeakByPhase = std::array<MemoryPeak, kMemoryPhases.size()>;

constexpr MemoryPeak& At(PeakByPhase& peaks, MemoryPhase phase) {
  return peaks[static_cast<size_t>(phase)];
}
constexpr const MemoryPeak& At(const PeakByPhase& peaks, MemoryPhase phase) {
  return peaks[static_cast<size_t>(phase)];
}
// The highest of all phases.
const MemoryPeak& Highest(const PeakByPhase& peaks);
// For each phase the higher of the two.
PeakByPhase HigherOf(const PeakByPhase& a, const PeakByPhase& b);

MemoryPhase CurrentMemoryPhase();

// The process is in `phase` while the scope lives. Scopes nest; the innermost one holds.
class PhaseScope {
 public:
  explicit PhaseScope(MemoryPhase phase);
  ~PhaseScope();
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  MemoryPhase outer_;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_MEMORY_PHASE_H_
