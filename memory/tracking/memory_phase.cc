#include "memory/tracking/memory_phase.h"

#include <algorithm>
#include <atomic>

namespace slimreel {
namespace {

constexpr std::array<std::string_view, kMemoryPhases.size()> kNames = {"setup", "train", "evaluate",
                                                                       "save"};

std::atomic<MemoryPhase> current_phase{MemoryPhase::kSetup};

}  // namespace

std::string_view MemoryPhaseName(MemoryPhase phase) { return kNames[static_cast<size_t>(phase)]; }

const MemoryPeak& Highest(const PeakByPhase& peaks) {
  return *std::max_element(
      peaks.begin(), peaks.end(),
      [](const MemoryPeak& a, const MemoryPeak& b) { return a.bytes < b.bytes; });
}

PeakByPhase HigherOf(const PeakByPhase& a, const PeakByPhase& b) {
  PeakByPhase higher = a;
  for (size_t i = 0; i < higher.size(); ++i) {
    if (b[i].bytes > higher[i].bytes) higher[i] = b[i];
  }
  return higher;
}

MemoryPhase CurrentMemoryPhase() { return current_phase.load(std::memory_order_relaxed); }

PhaseScope::PhaseScope(MemoryPhase phase)
    : outer_(current_phase.exchange(phase, std::memory_order_relaxed)) {}
PhaseScope::~PhaseScope() { current_phase.store(outer_, std::memory_order_relaxed); }

}  // namespace slimreel
