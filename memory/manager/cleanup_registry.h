// What can give memory back, ordered by what it costs, and how much each has freed.
//
// Threading: any thread. Clean-ups run one at a time. A clean-up must not throw, register or
// unregister. Ownership: whoever registers holds the handle; its end unregisters and waits for a
// clean-up in hand, so that what the clean-up borrows may die after it.
#ifndef MEMORY_MANAGER_CLEANUP_REGISTRY_H_
#define MEMORY_MANAGER_CLEANUP_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace slimreel {

struct Cleanup {
  std::string name;
  int cost = 0;                   // cheaper ones run first; equal ones in order of registration
  std::function<int64_t()> free;  // gives memory back; returns the bytes
  std::function<void()> restore;  // undoes `free` once the pressure has gone; may be null
  bool frees_device = true;       // false: of no use if only the device's pool is above
  bool frees_host = true;         // the same for the host's
};

struct CleanupCount {
  std::string name;
  int64_t runs = 0;
  int64_t freed_bytes = 0;
};

class CleanupRegistry;

class CleanupHandle {
 public:
  CleanupHandle() = default;
  ~CleanupHandle();
  CleanupHandle(CleanupHandle&& other) noexcept;
  CleanupHandle& operator=(CleanupHandle&& other) noexcept;

 private:
  friend class CleanupRegistry;
  CleanupHandle(std::weak_ptr<CleanupRegistry> registry, int64_t id);

  std::weak_ptr<CleanupRegistry> registry_;  // a handle may outlive the manager
  int64_t id_ = 0;
};

class CleanupRegistry : public std::enable_shared_from_this<CleanupRegistry> {
 public:
  CleanupHandle Register(Cleanup cleanup);

  // Runs clean-ups of the given pools, cheapest first, until `enough` returns true. Returns the
  // bytes that they freed.
  int64_t Run(bool device, bool host, const std::function<bool()>& enough);
  // Calls `restore` of each clean-up that ran since the last call.
  void Restore();
  // Also of those that are no longer registered; in order of their first registration.
  std::vector<CleanupCount> Counts() const;

 private:
  friend class CleanupHandle;
  struct Entry {
    int64_t id = 0;
    size_t count = 0;  // place in counts_
    bool ran = false;  // since the last Restore
    Cleanup cleanup;
  };
  void Unregister(int64_t id);

  std::mutex run_mutex_;        // held while clean-ups run; guards entries_
  std::vector<Entry> entries_;  // by cost
  int64_t next_id_ = 1;
  mutable std::mutex count_mutex_;  // guards counts_, so that a clean-up may read them
  std::vector<CleanupCount> counts_;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_CLEANUP_REGISTRY_H_
