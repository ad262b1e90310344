#include "memory/manager/manager_clock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace slimreel {
namespace {

class SteadyClock final : public ManagerClock {
 public:
  double NowSeconds() const override {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  bool SleepUntil(double seconds) override {
    const auto until = start_ + std::chrono::duration_cast<Clock::duration>(
                                    std::chrono::duration<double>(seconds));
    std::unique_lock<std::mutex> lock(mutex_);
    return !stopped_.wait_until(lock, until, [this] { return stop_; });
  }

  void Stop() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    stopped_.notify_all();
  }

 private:
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<ManagerClock> MakeSteadyClock() { return std::make_unique<SteadyClock>(); }

}  // namespace slimreel
