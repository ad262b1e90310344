#include "memory/manager/cleanup_registry.h"

#include <algorithm>
#include <utility>

namespace slimreel {

CleanupHandle::CleanupHandle(std::weak_ptr<CleanupRegistry> registry, int64_t id)
    : registry_(std::move(registry)), id_(id) {}

CleanupHandle::CleanupHandle(CleanupHandle&& other) noexcept
    : registry_(std::move(other.registry_)), id_(std::exchange(other.id_, 0)) {}

CleanupHandle& CleanupHandle::operator=(CleanupHandle&& other) noexcept {
  std::swap(registry_, other.registry_);  // the old one ends with `other`
  std::swap(id_, other.id_);
  return *this;
}

CleanupHandle::~CleanupHandle() {
  const std::shared_ptr<CleanupRegistry> registry = registry_.lock();
  if (registry != nullptr && id_ != 0) registry->Unregister(id_);
}

CleanupHandle CleanupRegistry::Register(Cleanup cleanup) {
  const std::lock_guard<std::mutex> lock(run_mutex_);
  const int64_t id = next_id_++;
  const std::lock_guard<std::mutex> count_lock(count_mutex_);
  auto count = std::find_if(counts_.begin(), counts_.end(),
                            [&](const CleanupCount& known) { return known.name == cleanup.name; });
  if (count == counts_.end()) count = counts_.insert(counts_.end(), {.name = cleanup.name});
  const auto place =
      std::upper_bound(entries_.begin(), entries_.end(), cleanup.cost,
                       [](int cost, const Entry& entry) { return cost < entry.cleanup.cost; });
  entries_.insert(place, {.id = id,
                          .count = static_cast<size_t>(count - counts_.begin()),
                          .ran = false,
                          .cleanup = std::move(cleanup)});
  return {weak_from_this(), id};
}

void CleanupRegistry::Unregister(int64_t id) {
  const std::lock_guard<std::mutex> lock(run_mutex_);
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [id](const Entry& entry) { return entry.id == id; }),
                 entries_.end());
}

int64_t CleanupRegistry::Run(bool device, bool host, const std::function<bool()>& enough) {
  const std::lock_guard<std::mutex> lock(run_mutex_);
  int64_t freed = 0;
  for (Entry& entry : entries_) {
    const Cleanup& cleanup = entry.cleanup;
    if (!(device && cleanup.frees_device) && !(host && cleanup.frees_host)) continue;
    const int64_t bytes = cleanup.free();
    entry.ran = true;
    freed += bytes;
    {
      const std::lock_guard<std::mutex> count_lock(count_mutex_);
      ++counts_[entry.count].runs;
      counts_[entry.count].freed_bytes += bytes;
    }
    if (enough()) break;
  }
  return freed;
}

void CleanupRegistry::Restore() {
  const std::lock_guard<std::mutex> lock(run_mutex_);
  for (Entry& entry : entries_) {
    if (std::exchange(entry.ran, false) && entry.cleanup.restore) entry.cleanup.restore();
  }
}

std::vector<CleanupCount> CleanupRegistry::Counts() const {
  const std::lock_guard<std::mutex> lock(count_mutex_);
  return counts_;
}

}  // namespace slimreel
