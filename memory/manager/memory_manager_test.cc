#include "memory/manager/memory_manager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>

namespace slimreel {
namespace {

// Stands still until the test moves it.
class MadeClock final : public ManagerClock {
 public:
  double NowSeconds() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return now_;
  }
  bool SleepUntil(double seconds) override {
    std::unique_lock<std::mutex> lock(mutex_);
    sleeps_until_ = seconds;
    changed_.notify_all();
    changed_.wait(lock, [&] { return stop_ || now_ >= seconds; });
    return !stop_;
  }
  void Stop() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  void Advance(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    now_ += seconds;
    changed_.notify_all();
  }
  // Returns once the thread has done its work and sleeps for a later time.
  double AwaitSleeper() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return sleeps_until_ > now_; });
    return sleeps_until_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  double now_ = 0.0;
  double sleeps_until_ = -1.0;
  bool stop_ = false;
};

// A machine of 1000 bytes with a device of 1000 bytes.
class MadeMemory final : public MemorySource {
 public:
  MemoryReading Read() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    MemoryReading reading;
    reading.device = Device();
    reading.host = {
        .live_bytes = host_, .taken_bytes = host_, .ceiling_bytes = 1000, .origin = "made"};
    reading.host_left_bytes = int64_t{1} << 40;  // far apart checks
    ++num_reads_;
    return reading;
  }
  PoolReading ReadDevice() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return Device();
  }
  void ResetDevicePeak() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    peak_ = live_;
  }
  void SetCeiling(int64_t bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    ceiling_ = bytes;
  }

  void Allocate(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    live_ += bytes;
    peak_ = std::max(peak_, live_);
  }
  void SetHost(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    host_ = bytes;
  }
  int64_t ceiling() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ceiling_;
  }
  int64_t num_reads() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return num_reads_;
  }
  // As a cache that is dropped.
  int64_t FreeHost(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    host_ -= bytes;
    return bytes;
  }

 private:
  PoolReading Device() const {
    return {.live_bytes = live_,
            .peak_live_bytes = peak_,
            .taken_bytes = live_,
            .peak_taken_bytes = peak_,
            .ceiling_bytes = 1000,
            .origin = "made"};
  }
  mutable std::mutex mutex_;
  int64_t live_ = 0;
  int64_t peak_ = 0;
  int64_t host_ = 0;
  int64_t ceiling_ = -1;
  int64_t num_reads_ = 0;
};

class MemoryManagerTest : public testing::Test {
 protected:
  void Make(bool monitor, int64_t force_cleanup_every = 0, size_t history = 8) {
    MemoryManagerOptions options;
    options.rules.force_cleanup_every = force_cleanup_every;
    options.monitor = monitor;
    options.history_size = history;
    auto memory = std::make_unique<MadeMemory>();
    auto clock = std::make_unique<MadeClock>();
    memory_ = memory.get();
    clock_ = clock.get();
    manager_ = std::make_unique<MemoryManager>(options, std::move(memory), std::move(clock));
  }
  CleanupHandle AddCache(const std::string& name, int cost, int64_t bytes) {
    return manager_->RegisterCleanup({.name = name,
                                      .cost = cost,
                                      .free =
                                          [this, name, bytes] {
                                            ++frees_[name];
                                            return memory_->FreeHost(bytes);
                                          },
                                      .restore = [this, name] { ++restores_[name]; }});
  }
  void Step(double seconds = 1.0) {
    const AutoMemoryScope scope(manager_.get());
    clock_->Advance(seconds);
  }

  MadeMemory* memory_ = nullptr;
  MadeClock* clock_ = nullptr;
  std::map<std::string, int> frees_;
  std::map<std::string, int> restores_;
  std::unique_ptr<MemoryManager> manager_;
};

TEST_F(MemoryManagerTest, WithoutMonitoringStepsCheckAtTheirIntervalOnly) {
  Make(/*monitor=*/false);
  for (int step = 0; step < 61; ++step) Step(1.0);
  EXPECT_EQ(memory_->num_reads(), 3) << "at 0, 30 and 60 seconds";
  EXPECT_EQ(manager_->GetStats().checks, 3);
}

TEST_F(MemoryManagerTest, PressureRunsCleanUpsCheapestFirstUntilThePoolIsBelow) {
  Make(/*monitor=*/false);
  const CleanupHandle dear = AddCache("dear", 30, 100), cheap = AddCache("cheap", 10, 50),
                      middle = AddCache("middle", 20, 60);
  memory_->SetHost(900);
  Step();
  EXPECT_EQ(frees_["cheap"], 1);
  EXPECT_EQ(frees_["middle"], 1) << "850 are still above 800";
  EXPECT_EQ(frees_["dear"], 0) << "790 are not";
  const MemoryStats stats = manager_->GetStats();
  EXPECT_EQ(stats.cleanups, 1);
  EXPECT_EQ(stats.freed_bytes, 110);
  EXPECT_EQ(stats.warnings, 0);
  EXPECT_EQ(stats.by_cleanup[1].freed_bytes, 50);
}

TEST_F(MemoryManagerTest, WhatCannotBeCleanedUpIsWarnedAbout) {
  Make(/*monitor=*/false);
  const CleanupHandle small = AddCache("small", 10, 5);
  memory_->SetHost(900);
  Step();
  EXPECT_EQ(manager_->GetStats().warnings, 1);
  for (int i = 0; i < 10; ++i) Step();
  EXPECT_EQ(manager_->GetStats().warnings, 1) << "not at each step";
}

TEST_F(MemoryManagerTest, ACleanUpNeverStartsInsideAStep) {
  Make(/*monitor=*/true);
  clock_->AwaitSleeper();
  const CleanupHandle cache = AddCache("cache", 10, 300);
  AutoMemoryScope scope(manager_.get());
  memory_->SetHost(900);
  clock_->Advance(30);
  clock_->AwaitSleeper();
  EXPECT_EQ(manager_->GetStats().checks, 2) << "the thread has seen it";
  EXPECT_EQ(frees_["cache"], 0);
  scope.End();
  EXPECT_EQ(frees_["cache"], 1);
}

TEST_F(MemoryManagerTest, TheMonitoringThreadCleansUpBetweenSteps) {
  Make(/*monitor=*/true);
  EXPECT_EQ(clock_->AwaitSleeper(), 30.0);
  const CleanupHandle cache = AddCache("cache", 10, 300);
  memory_->SetHost(900);
  clock_->Advance(30);
  EXPECT_EQ(clock_->AwaitSleeper(), 60.0);
  EXPECT_EQ(frees_["cache"], 1);
}

TEST_F(MemoryManagerTest, WhatWasShrunkGrowsBackAfterThePressure) {
  Make(/*monitor=*/false);
  const CleanupHandle cache = AddCache("cache", 10, 300);
  memory_->SetHost(900);
  Step(30);
  ASSERT_EQ(frees_["cache"], 1);
  Step(20);
  EXPECT_EQ(restores_["cache"], 0) << "calm for less than an interval";
  Step(20);
  EXPECT_EQ(restores_["cache"], 1);
  Step(30);
  EXPECT_EQ(restores_["cache"], 1);
  EXPECT_EQ(manager_->GetStats().reliefs, 1);
}

TEST_F(MemoryManagerTest, ForcedCleanUpsRunAllAndGrowBackAtOnce) {
  Make(/*monitor=*/false, /*force_cleanup_every=*/3);
  const CleanupHandle a = AddCache("a", 10, 0), b = AddCache("b", 20, 0);
  for (int step = 1; step <= 9; ++step) {
    Step(0.0);
    EXPECT_EQ(frees_["a"], step / 3);
    EXPECT_EQ(frees_["b"], step / 3);
    EXPECT_EQ(restores_["b"], step / 3);
  }
  { const AutoMemoryScope evaluation(manager_.get(), AutoMemoryScope::Kind::kOther); }
  EXPECT_EQ(frees_["a"], 3) << "an evaluation is no step";
}

TEST_F(MemoryManagerTest, AForcedCleanUpUnderPressureStaysShrunk) {
  Make(/*monitor=*/false, /*force_cleanup_every=*/1);
  const CleanupHandle cache = AddCache("cache", 10, 0);
  memory_->SetHost(900);
  Step();
  EXPECT_GE(frees_["cache"], 1);
  EXPECT_EQ(restores_["cache"], 0);
}

TEST_F(MemoryManagerTest, AScopeMeasuresItsOwnPeakAndTheRunsPeakStays) {
  Make(/*monitor=*/false);
  memory_->Allocate(100);
  AutoMemoryScope first(manager_.get());
  memory_->Allocate(500);
  memory_->Allocate(-500);
  EXPECT_EQ(first.End(), 600);
  memory_->Allocate(600);  // between two steps
  memory_->Allocate(-600);
  AutoMemoryScope second(manager_.get());
  memory_->Allocate(50);
  memory_->Allocate(-50);
  EXPECT_EQ(second.End(), 150);
  EXPECT_EQ(second.End(), 150) << "ends once";
  const MemoryStats stats = manager_->GetStats();
  EXPECT_EQ(stats.device.peak_bytes, 700);
  EXPECT_EQ(stats.device.peak_reserved_bytes, 700);
}

TEST_F(MemoryManagerTest, StatsAreThoseOfTheReadings) {
  Make(/*monitor=*/false, 0, /*history=*/2);
  for (const int64_t host : {100, 300, 200}) {
    memory_->SetHost(host);
    manager_->Check();
    clock_->Advance(1);
  }
  const MemoryStats stats = manager_->GetStats();
  EXPECT_EQ(stats.host.now_bytes, 200);
  EXPECT_EQ(stats.host.peak_bytes, 300);
  EXPECT_EQ(stats.host.mean_bytes, 200);
  EXPECT_EQ(stats.host.reserved_bytes, 200);
  EXPECT_EQ(stats.host.ceiling_bytes, 1000);
  const std::vector<MemorySample> history = manager_->History();
  ASSERT_EQ(history.size(), 2u) << "bounded";
  EXPECT_EQ(history[0],
            (MemorySample{.seconds = 1, .host_live_bytes = 300, .host_taken_bytes = 300}));
  EXPECT_EQ(history[1].seconds, 2);
}

TEST_F(MemoryManagerTest, WhatTheHostHasLeftBoundsTheStepAndOnlyTheStep) {
  Make(/*monitor=*/false);
  for (const int64_t host : {100, 900}) {
    memory_->SetHost(host);
    {
      const AutoMemoryScope scope(manager_.get());
      EXPECT_GT(memory_->ceiling(), 0);
    }
    EXPECT_EQ(memory_->ceiling(), 0);
    clock_->Advance(30);
  }
  const int64_t checks = manager_->GetStats().checks;
  {
    const AutoMemoryScope scope(manager_.get());  // a check is due
    EXPECT_EQ(manager_->GetStats().checks, checks + 1);
  }
  clock_->Advance(1);
  {
    const AutoMemoryScope scope(manager_.get());
    EXPECT_GT(memory_->ceiling(), 0);
    EXPECT_EQ(manager_->GetStats().checks, checks + 2) << "under pressure read anew";
  }
  memory_->SetHost(100);
  clock_->Advance(30);
  Step();
  const int64_t calm_checks = manager_->GetStats().checks;
  {
    const AutoMemoryScope scope(manager_.get());
    EXPECT_GT(memory_->ceiling(), 0) << "of the last check";
    EXPECT_EQ(manager_->GetStats().checks, calm_checks);
  }
}

TEST_F(MemoryManagerTest, SuggestionsNameThePoolInNeed) {
  Make(/*monitor=*/false);
  EXPECT_TRUE(manager_->Suggestions().empty());
  manager_->SetSavings([] {
    return std::vector<PredictedSaving>{
        {.setting = "memory.schedule=checkpoint", .device_bytes = 1 << 20, .price = ""},
        {.setting = "dataloader.prefetch_factor=1", .host_bytes = 1 << 10, .price = ""}};
  });
  EXPECT_EQ(manager_->Suggestions().size(), 2u) << "no pool is short";
  memory_->SetHost(900);
  manager_->Check();
  ASSERT_EQ(manager_->Suggestions().size(), 1u);
  EXPECT_EQ(manager_->Suggestions()[0].find("dataloader.prefetch_factor=1"), 0u);
}

TEST_F(MemoryManagerTest, PreparationMovesAtTheEndOfAStepAndBackAfterThePressure) {
  Make(/*monitor=*/false);
  std::vector<Placement> moves;
  manager_->SetPlacementHook(Placement::kDevice, [&](Placement to) { moves.push_back(to); });
  memory_->Allocate(900);
  manager_->Check();
  EXPECT_TRUE(moves.empty()) << "not in the middle of anything";
  Step(30);
  EXPECT_EQ(moves, std::vector<Placement>({Placement::kCpu}));
  memory_->Allocate(-900);
  Step(30);
  EXPECT_EQ(moves.size(), 1u);
  Step(30);
  EXPECT_EQ(moves, std::vector<Placement>({Placement::kCpu, Placement::kDevice}));
}

TEST_F(MemoryManagerTest, AnExplicitCleanUpRunsAllAndGrowsBackLater) {
  Make(/*monitor=*/false);
  const CleanupHandle a = AddCache("a", 10, 1), b = AddCache("b", 20, 2);
  EXPECT_EQ(manager_->CleanUp(), 3);
  EXPECT_EQ(restores_["a"], 0);
  for (int i = 0; i < 3; ++i) Step(30);
  EXPECT_EQ(restores_["a"], 1);
}

TEST_F(MemoryManagerTest, AScopeWithoutAManagerDoesNothing) {
  AutoMemoryScope scope(nullptr);
  EXPECT_EQ(scope.End(), 0);
}

// For the thread sanitizer: all functions at once.
TEST_F(MemoryManagerTest, AllFunctionsMayBeCalledFromAnyThread) {
  Make(/*monitor=*/true, /*force_cleanup_every=*/2);
  memory_->SetHost(900);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!stop) {
      const CleanupHandle handle = manager_->RegisterCleanup("short", 5, [] { return 0; });
      manager_->CleanUp();
    }
  });
  threads.emplace_back([&] {
    while (!stop) {
      manager_->GetStats();
      manager_->History();
      manager_->Suggestions();
      manager_->Check();
    }
  });
  for (int i = 0; i < 300; ++i) Step(1.0);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(manager_->GetStats().cleanups, 150);
}

TEST(SteadyClockTest, StopEndsASleepAndEveryLaterOne) {
  const std::unique_ptr<ManagerClock> clock = MakeSteadyClock();
  EXPECT_TRUE(clock->SleepUntil(0.0));
  std::thread stopper([&] { clock->Stop(); });
  EXPECT_FALSE(clock->SleepUntil(1e6));
  EXPECT_FALSE(clock->SleepUntil(2e6));
  stopper.join();
}

}  // namespace
}  // namespace slimreel
