// Makes items ahead of their consumer on threads and hands them over in order.
//
// Item number n is Make(n), whoever makes it and whenever: the threads decide
// when, never what. Bounded by number and by bytes.
//
// Threading: Next and the destructor from one thread; Make is called from all
// workers at once (from Next where num_workers is 0).
// An item's error comes out of Next when its turn comes, and again from every
// later call. Make throws nothing: on a thread that would end the process. The
// destructor waits for the items in hand, never for the consumer.
#ifndef DATA_LOADING_PREFETCH_QUEUE_H_
#define DATA_LOADING_PREFETCH_QUEUE_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct PrefetchOptions {
  int num_workers = 2;     // 0: no threads, nothing ahead
  int max_ahead = 2;       // items being made or waiting
  int64_t item_bytes = 0;  // the largest an item can be
  int64_t max_bytes = 0;   // of items being made or waiting; 0: no bound; one item always may
  int64_t num_items = 0;   // then OutOfRange; below 0: no end
  // Items that may be made or wait at once.
  int64_t Capacity() const {
    int64_t capacity = max_ahead;
    if (max_bytes > 0 && item_bytes > 0) capacity = std::min(capacity, max_bytes / item_bytes);
    return std::max<int64_t>(1, capacity);
  }
};

template <typename Item>
class PrefetchQueue {
 public:
  using Make = std::function<absl::StatusOr<Item>(int64_t number)>;

  PrefetchQueue(const PrefetchOptions& options, Make make)
      : options_(options), capacity_(options.Capacity()), make_(std::move(make)) {
    // More threads than items in hand would only sleep.
    const int64_t num_threads = std::min<int64_t>(options.num_workers, capacity_);
    for (int64_t i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Work(); });
  }

  ~PrefetchQueue() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  PrefetchQueue(const PrefetchQueue&) = delete;
  PrefetchQueue& operator=(const PrefetchQueue&) = delete;

  absl::StatusOr<Item> Next() {
    if (!failed_.ok()) return failed_;
    if (AtEnd(next_taken_)) return absl::OutOfRangeError("end of the data");
    absl::StatusOr<Item> item = threads_.empty() ? make_(next_taken_) : Take();
    ++next_taken_;
    failed_ = item.status();
    return item;
  }

 private:
  bool AtEnd(int64_t number) const {
    return options_.num_items >= 0 && number >= options_.num_items;
  }

  absl::StatusOr<Item> Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [this] { return made_.contains(next_taken_); });
    auto node = made_.extract(next_taken_);
    num_released_ = next_taken_ + 1;
    lock.unlock();
    room_.notify_all();
    return std::move(node.mapped());
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      room_.wait(lock, [this] {
        return stopping_ || AtEnd(next_made_) || next_made_ < num_released_ + capacity_;
      });
      if (stopping_ || AtEnd(next_made_)) return;
      const int64_t number = next_made_++;
      lock.unlock();
      absl::StatusOr<Item> item = make_(number);
      const bool failed = !item.ok();
      lock.lock();
      made_.emplace(number, std::move(item));
      ready_.notify_one();
      if (failed) return;  // nothing after it will be asked for
    }
  }

  const PrefetchOptions options_;
  const int64_t capacity_;
  const Make make_;
  int64_t next_taken_ = 0;  // the consumer's
  absl::Status failed_;     // the consumer's: what every later Next says

  std::mutex mutex_;               // guards what follows
  std::condition_variable ready_;  // an item was made
  std::condition_variable room_;   // an item was taken, or the end has come
  std::map<int64_t, absl::StatusOr<Item>> made_;
  int64_t next_made_ = 0;
  int64_t num_released_ = 0;  // items taken so far
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_QUEUE_H_
