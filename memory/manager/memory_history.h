// The newest readings, as many as fit a fixed number. Adding one takes no memory.
//
// Threading: not thread-safe; the caller locks.
#ifndef MEMORY_MANAGER_MEMORY_HISTORY_H_
#define MEMORY_MANAGER_MEMORY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slimreel {

struct MemorySample {
  double seconds = 0.0;
  int64_t device_live_bytes = 0;
  int64_t device_taken_bytes = 0;
  int64_t host_live_bytes = 0;
  int64_t host_taken_bytes = 0;
  friend bool operator==(const MemorySample&, const MemorySample&) = default;
};

class MemoryHistory {
 public:
  explicit MemoryHistory(size_t capacity) : ring_(capacity) {}

  void Add(const MemorySample& sample) {
    if (ring_.empty()) return;
    ring_[num_added_ % ring_.size()] = sample;
    ++num_added_;
  }
  // Oldest first.
  std::vector<MemorySample> Samples() const {
    const size_t count = num_added_ < ring_.size() ? num_added_ : ring_.size();
    std::vector<MemorySample> samples;
    samples.reserve(count);
    for (size_t i = num_added_ - count; i < num_added_; ++i) {
      samples.push_back(ring_[i % ring_.size()]);
    }
    return samples;
  }

 private:
  std::vector<MemorySample> ring_;
  size_t num_added_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MEMORY_HISTORY_H_
