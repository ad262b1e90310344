// Watches the memory of a run, cleans up when it grows short, and says what would help.
//
// Threading: all functions may be called from any thread, except that one thread at a time opens
// and closes AutoMemoryScopes. Clean-ups run one at a time: at the end of a scope; while none is
// open, also on the monitoring thread. Ownership: it owns source, clock and thread. Handles may
// outlive it.
#ifndef MEMORY_MANAGER_MEMORY_MANAGER_H_
#define MEMORY_MANAGER_MEMORY_MANAGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "memory/manager/cleanup_registry.h"
#include "memory/manager/manager_clock.h"
#include "memory/manager/memory_history.h"
#include "memory/manager/memory_source.h"
#include "memory/manager/memory_stats.h"
#include "memory/manager/pressure.h"
#include "memory/manager/suggestions.h"

namespace slimreel {

// Whether a step may take more memory, as of the last check.
struct HostOutlook {
  bool is_short = false;      // of memory, or was until a moment ago
  int64_t ceiling_bytes = 0;  // StepCeiling; 0: the host's limits are unknown
};

struct MemoryManagerOptions {
  PressureRules rules;
  bool monitor = true;         // memory.enable_monitoring; false: checks happen only at scopes
  size_t history_size = 1024;  // newest readings kept; 40 bytes each
};

class MemoryManager {
 public:
  MemoryManager(const MemoryManagerOptions& options, std::unique_ptr<MemorySource> source,
                std::unique_ptr<ManagerClock> clock = MakeSteadyClock());
  ~MemoryManager();
  MemoryManager(const MemoryManager&) = delete;
  MemoryManager& operator=(const MemoryManager&) = delete;

  // `free` gives memory back and returns the bytes. Cheaper ones run first.
  [[nodiscard]] CleanupHandle RegisterCleanup(std::string name, int cost,
                                              std::function<int64_t()> free);
  [[nodiscard]] CleanupHandle RegisterCleanup(Cleanup cleanup);
  // `move` is called at the end of a step if clips are to be prepared elsewhere from then on.
  void SetPlacementHook(Placement preferred, std::function<void(Placement)> move);
  // Predicts what settings would save, for Suggestions and warnings.
  void SetSavings(std::function<std::vector<PredictedSaving>()> predict);

  // Runs every clean-up now; returns the bytes freed. What was shrunk grows back as after pressure.
  int64_t CleanUp();
  // Reads memory and decides. Cleans up if no scope is open; otherwise the scope's end does.
  void Check();

  HostOutlook ReadHostOutlook() const;
  MemoryStats GetStats() const;
  std::vector<MemorySample> History() const;  // oldest first
  // For the pools that are above their threshold at the last reading; for both if none is.
  std::vector<std::string> Suggestions() const;

 private:
  friend class AutoMemoryScope;
  void BeginScope();
  int64_t EndScope(bool is_step);  // returns the scope's peak
  void Watch();                    // the monitoring thread
  void Act();
  void ForceCleanUp();
  int64_t RunCleanups(bool all);
  MemoryReading ReadNow();
  void Note(const MemoryReading& reading);
  void MovePlacement();
  bool CheckIsDue() const;

  const MemoryManagerOptions options_;
  const std::unique_ptr<MemorySource> source_;
  const std::unique_ptr<ManagerClock> clock_;
  const std::shared_ptr<CleanupRegistry> registry_;

  mutable std::mutex mutex_;  // guards the members below; never held while a clean-up runs
  bool scope_open_ = false;
  bool cleanup_pending_ = false;
  bool relief_pending_ = false;
  double next_check_seconds_ = 0.0;
  int64_t num_steps_ = 0;
  int64_t num_scopes_ = 0;  // opened so far
  MemoryReading last_;
  PressureState state_;
  PressureDecision decision_;
  StatsCounter stats_;
  MemoryHistory history_;
  Placement preferred_ = Placement::kCpu;
  Placement placement_ = Placement::kCpu;
  std::function<void(Placement)> move_;
  std::function<std::vector<PredictedSaving>()> predict_;

  std::thread thread_;  // the last member: it uses all others
};

// One step, or other work that takes memory. Measures its peak. While it is open, no clean-up
// starts by itself; at its end those that are due run.
class AutoMemoryScope {
 public:
  enum class Kind {
    kStep,   // counts for memory.force_cleanup_every
    kOther,  // an evaluation
  };
  // `manager` may be null: then the scope does nothing.
  explicit AutoMemoryScope(MemoryManager* manager, Kind kind = Kind::kStep)
      : manager_(manager), kind_(kind) {
    if (manager_ != nullptr) manager_->BeginScope();
  }
  ~AutoMemoryScope() { End(); }
  AutoMemoryScope(const AutoMemoryScope&) = delete;
  AutoMemoryScope& operator=(const AutoMemoryScope&) = delete;

  // Ends the scope now. Returns the peak of live bytes on the device; 0 without a manager.
  int64_t End() {
    if (manager_ != nullptr) peak_bytes_ = manager_->EndScope(kind_ == Kind::kStep);
    manager_ = nullptr;
    return peak_bytes_;
  }

 private:
  MemoryManager* manager_;
  const Kind kind_;
  int64_t peak_bytes_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MEMORY_MANAGER_H_
