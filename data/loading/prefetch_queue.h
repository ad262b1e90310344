// A queue whose worker threads make items ahead of the consumer. It delivers them
// in order. Their number and bytes are bounded.
//
// Item number n is Make(n). The threads decide when it is made, and never what it is.
//
// Not an OrderedQueue (data/pipeline/ordered_queue.h): there, an input gives many items of any
// size, and the caller owns the threads.
//
// Threading: call Next and the destructor from one thread, SetLimit from any. All workers call Make
// at the same time; if num_workers is 0, Next calls it.
// Errors: an item's error is the result of Next at its turn, and of every later
// Next. An exception from Make becomes such an error (on a thread it would end the process).
// If the system refuses threads, those that started make all items; if there are none, Next does.
// The destructor waits for the items that are being made, and never for the consumer.
#ifndef DATA_LOADING_PREFETCH_QUEUE_H_
#define DATA_LOADING_PREFETCH_QUEUE_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/loading/prefetch_errors.h"
#include "data/loading/prefetch_options.h"
#include "data/loading/prefetch_slots.h"

namespace slimreel {

template <typename Item>
class PrefetchQueue {
 public:
  using Make = std::function<absl::StatusOr<Item>(int64_t number)>;

  PrefetchQueue(const PrefetchOptions& options, Make make)
      : options_(options),
        capacity_(options.Capacity()),
        make_(std::move(make)),
        slots_(capacity_, options.num_items) {
    StartThreads();
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
    absl::StatusOr<Item> item = threads_.empty() ? MakeItem(next_taken_) : Take();
    ++next_taken_;
    failed_ = item.status();
    return item;
  }

  // From now on at most `items` (1 to the capacity) are being made or wait. Those beyond that wait
  // already are dropped, and made again when there is room.
  void SetLimit(int64_t items) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      slots_.SetLimit(items);
    }
    room_.notify_all();
  }

 private:
  bool AtEnd(int64_t number) const {
    return options_.num_items >= 0 && number >= options_.num_items;
  }

  // With fewer threads loading only takes longer, so a limit on processes does not end the run.
  void StartThreads() {
    // More threads than items at once would only sleep.
    const int64_t wanted = std::min<int64_t>(options_.num_workers, capacity_);
    threads_.reserve(static_cast<size_t>(std::max<int64_t>(0, wanted)));
    try {
      for (int64_t i = 0; i < wanted; ++i) threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error& error) {
      WarnOfMissingThreads(static_cast<int64_t>(threads_.size()), wanted, error);
    }
  }

  absl::StatusOr<Item> MakeItem(int64_t number) const {
    try {
      return make_(number);
    } catch (const std::exception& error) {
      return BatchError(number, error);
    }
  }

  absl::StatusOr<Item> Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [this] { return slots_.NextIsMade(); });
    absl::StatusOr<Item> item = slots_.TakeNext();
    lock.unlock();
    room_.notify_all();
    return item;
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      std::optional<int64_t> number;
      room_.wait(lock, [&] { return stopping_ || (number = slots_.Claim()).has_value(); });
      if (stopping_) return;
      lock.unlock();
      absl::StatusOr<Item> item = MakeItem(*number);
      lock.lock();
      slots_.Put(*number, std::move(item));
      ready_.notify_one();
    }
  }

  const PrefetchOptions options_;
  const int64_t capacity_;
  const Make make_;
  int64_t next_taken_ = 0;  // the consumer's
  absl::Status failed_;     // the consumer's: the error that every later Next returns

  std::mutex mutex_;               // guards the members below
  std::condition_variable ready_;  // an item was made
  std::condition_variable room_;   // an item was taken, or the end has come
  PrefetchSlots<Item> slots_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_QUEUE_H_
