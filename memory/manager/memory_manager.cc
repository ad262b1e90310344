#include "memory/manager/memory_manager.h"

#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/logging.h"

namespace slimreel {

MemoryManager::MemoryManager(const MemoryManagerOptions& options,
                             std::unique_ptr<MemorySource> source,
                             std::unique_ptr<ManagerClock> clock)
    : options_(options),
      source_(std::move(source)),
      clock_(std::move(clock)),
      registry_(std::make_shared<CleanupRegistry>()),
      history_(options.history_size) {
  if (!options_.monitor) return;
  try {
    thread_ = std::thread([this] { Watch(); });
  } catch (const std::system_error& error) {
    LOG(WARNING) << "memory is checked only at the end of steps, because no thread can start: "
                 << error.what();
  }
}

MemoryManager::~MemoryManager() {
  clock_->Stop();
  if (thread_.joinable()) thread_.join();
}

CleanupHandle MemoryManager::RegisterCleanup(std::string name, int cost,
                                             std::function<int64_t()> free) {
  return RegisterCleanup(
      Cleanup{.name = std::move(name), .cost = cost, .free = std::move(free), .restore = nullptr});
}

CleanupHandle MemoryManager::RegisterCleanup(Cleanup cleanup) {
  return registry_->Register(std::move(cleanup));
}

void MemoryManager::SetPlacementHook(Placement preferred, std::function<void(Placement)> move) {
  const std::lock_guard<std::mutex> lock(mutex_);
  preferred_ = placement_ = preferred;
  move_ = std::move(move);
}

void MemoryManager::SetSavings(std::function<std::vector<PredictedSaving>()> predict) {
  const std::lock_guard<std::mutex> lock(mutex_);
  predict_ = std::move(predict);
}

void MemoryManager::Watch() {
  double wake = 0.0;
  while (clock_->SleepUntil(wake)) {
    if (CheckIsDue()) Check();  // the end of a scope may have checked meanwhile
    const std::lock_guard<std::mutex> lock(mutex_);
    wake = next_check_seconds_;
  }
}

bool MemoryManager::CheckIsDue() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return clock_->NowSeconds() >= next_check_seconds_;
}

MemoryReading MemoryManager::ReadNow() {
  MemoryReading reading = source_->Read();
  reading.seconds = clock_->NowSeconds();
  return reading;
}

// Runs under the lock.
void MemoryManager::Note(const MemoryReading& reading) {
  last_ = reading;
  stats_.AddReading(reading);
  history_.Add({.seconds = reading.seconds,
                .device_live_bytes = reading.device.live_bytes,
                .device_taken_bytes = reading.device.taken_bytes,
                .host_live_bytes = reading.host.live_bytes,
                .host_taken_bytes = reading.host.taken_bytes});
}

void MemoryManager::Check() {
  const int64_t scope = [this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    return num_scopes_;
  }();
  const MemoryReading reading = ReadNow();
  bool act = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Note(reading);
    decision_ = DecidePressure(options_.rules, reading, state_);
    state_ = decision_.next;
    cleanup_pending_ |= decision_.clean_up;
    relief_pending_ |= decision_.relieved;
    if (decision_.clean_up) relief_pending_ = false;
    next_check_seconds_ = reading.seconds + SecondsToNextCheck(options_.rules, reading);
    // Under the lock, so that the ceiling never outlives its scope.
    // A reading from before the scope is older than the ceiling that the scope began with.
    const bool usable = reading.consistent && scope == num_scopes_;
    if (scope_open_ && usable) source_->SetCeiling(StepCeiling(reading));
    act = !scope_open_ && (cleanup_pending_ || relief_pending_);
  }
  if (act) Act();
}

void MemoryManager::BeginScope() {
  const PoolReading device = source_->ReadDevice();
  bool check = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stats_.AddPeaks(device);
    source_->ResetDevicePeak();
    scope_open_ = true;
    ++num_scopes_;
    // Blocks that were given back since the last check raise what is left as much as they lower
    // what is taken, so its ceiling still holds. Under pressure a new one is worth a reading.
    if (last_.consistent) source_->SetCeiling(StepCeiling(last_));
    check = clock_->NowSeconds() >= next_check_seconds_ || decision_.host == PoolLevel::kAbove;
  }
  if (check) Check();
}

int64_t MemoryManager::EndScope(bool is_step) {
  const PoolReading device = source_->ReadDevice();
  bool forced = false;
  bool check = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stats_.AddPeaks(device);
    scope_open_ = false;
    source_->SetCeiling(0);
    if (is_step) forced = ForcedCleanupIsDue(options_.rules, ++num_steps_);
    check = clock_->NowSeconds() >= next_check_seconds_;
  }
  if (check) Check();
  Act();
  if (forced) ForceCleanUp();
  if (is_step) MovePlacement();
  return device.peak_live_bytes;
}

// Does what earlier checks found due.
void MemoryManager::Act() {
  bool clean_up = false;
  bool relieve = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    clean_up = std::exchange(cleanup_pending_, false);
    relieve = std::exchange(relief_pending_, false);
    if (relieve) stats_.AddRelief();
  }
  if (clean_up) RunCleanups(/*all=*/false);
  if (!relieve) return;
  LOG(INFO) << "memory is no longer short: what was shrunk grows back";
  registry_->Restore();
}

int64_t MemoryManager::CleanUp() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_.under_pressure = true;  // so that relief follows
  }
  return RunCleanups(/*all=*/true);
}

// memory.force_cleanup_every. If memory is not short, what was shrunk grows back at once.
void MemoryManager::ForceCleanUp() {
  RunCleanups(/*all=*/true);
  bool short_of_memory = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    short_of_memory = state_.under_pressure;
  }
  if (!short_of_memory) registry_->Restore();
}

// `all`: every clean-up; otherwise those of the pools above their threshold, until none is above.
int64_t MemoryManager::RunCleanups(bool all) {
  const PressureRules& rules = options_.rules;
  MemoryReading reading = ReadNow();
  const auto device_above = [&] {
    return LevelOf(reading.device, rules.device_threshold) == PoolLevel::kAbove;
  };
  const auto host_above = [&] {
    return LevelOf(reading.host, rules.host_threshold) == PoolLevel::kAbove;
  };
  if (!all && !device_above() && !host_above()) return 0;  // it went by itself
  const int64_t freed = registry_->Run(all || device_above(), all || host_above(), [&] {
    reading = ReadNow();
    return !all && !device_above() && !host_above();
  });
  const bool still_above = device_above() || host_above();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_ = reading;
    stats_.AddCleanup(freed);
    if (still_above) stats_.AddWarning();
  }
  if (still_above) {
    LOG(WARNING) << PressureWarning(reading, device_above(), host_above(), freed, Suggestions());
  } else {
    LOG(INFO) << "memory clean-up freed " << FormatBytes(freed);
  }
  return freed;
}

void MemoryManager::MovePlacement() {
  std::function<void(Placement)> move;
  Placement target = Placement::kCpu;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    target = ChoosePlacement(preferred_, placement_, decision_);
    if (target != std::exchange(placement_, target)) move = move_;
  }
  if (move) move(target);
}

MemoryStats MemoryManager::GetStats() const {
  MemoryStats stats;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stats = stats_.stats();
  }
  stats.by_cleanup = registry_->Counts();
  return stats;
}

HostOutlook MemoryManager::ReadHostOutlook() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {.is_short = decision_.host != PoolLevel::kCalm,
          .ceiling_bytes = last_.consistent ? StepCeiling(last_) : 0};
}

std::vector<MemorySample> MemoryManager::History() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return history_.Samples();
}

std::vector<std::string> MemoryManager::Suggestions() const {
  std::function<std::vector<PredictedSaving>()> predict;
  bool device = false;
  bool host = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    predict = predict_;
    device = LevelOf(last_.device, options_.rules.device_threshold) == PoolLevel::kAbove;
    host = LevelOf(last_.host, options_.rules.host_threshold) == PoolLevel::kAbove;
  }
  if (!predict) return {};
  const bool none = !device && !host;
  return DescribeSavings(predict(), device || none, host || none);
}

}  // namespace slimreel
