// The time of a memory manager and the sleep of its thread. Tests put a made clock in its place.
//
// Threading: any thread; one thread sleeps.
#ifndef MEMORY_MANAGER_MANAGER_CLOCK_H_
#define MEMORY_MANAGER_MANAGER_CLOCK_H_

#include <memory>

namespace slimreel {

class ManagerClock {
 public:
  virtual ~ManagerClock() = default;
  virtual double NowSeconds() const = 0;  // never goes back
  // Sleeps until the time has come. Returns false, also later, once Stop was called.
  virtual bool SleepUntil(double seconds) = 0;
  virtual void Stop() = 0;
};

std::unique_ptr<ManagerClock> MakeSteadyClock();

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MANAGER_CLOCK_H_
