// A queue of items of many inputs: several threads push them in any order, and one thread takes
// them in the order of the inputs. It is bounded by bytes in memory and on the disk.
//
// Not a PrefetchQueue (data/loading/prefetch_queue.h): there, item n is one call of a function,
// the queue owns the threads, and the bound is a number of items. Here an input gives any number
// of items of any size, and the threads belong to the caller.
//
// Workers claim inputs in order, so some worker always has the input that the taker waits for.
// While nothing of that input is queued, its worker does not wait for room. So the bound cannot
// deadlock: at worst the queue holds the bound and one item more, besides the item that each
// worker is making. Safe from any thread.
#ifndef DATA_PIPELINE_ORDERED_QUEUE_H_
#define DATA_PIPELINE_ORDERED_QUEUE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace slimreel {

struct QueuedBytes {
  int64_t memory = 0;
  int64_t disk = 0;
};

template <typename Item>
class OrderedQueue {
 public:
  OrderedQueue(int64_t num_inputs, const QueuedBytes& bound)
      : num_inputs_(num_inputs), bound_(bound) {}

  // Workers: the next input to work on; nullopt when all are claimed or after Close.
  std::optional<int64_t> Claim() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_ || claimed_ == num_inputs_) return std::nullopt;
    return claimed_++;
  }

  // Workers: waits for room, then adds the item; false after Close. `final`: the input's last item.
  bool Push(int64_t input, Item item, const QueuedBytes& bytes, bool final) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] {
      const bool awaited = input == taking_ && queues_.count(input) == 0;
      return closed_ || awaited || HasRoom(bytes);
    });
    if (closed_) return false;
    queued_.memory += bytes.memory;
    queued_.disk += bytes.disk;
    queues_[input].push_back({std::move(item), bytes, final});
    changed_.notify_all();
    return true;
  }

  // The taker: waits for the next item of the lowest unfinished input, and returns it with that
  // input's number. nullopt at the end or after Close.
  std::optional<std::pair<int64_t, Item>> Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock,
                  [&] { return closed_ || taking_ == num_inputs_ || queues_.count(taking_) > 0; });
    if (closed_ || taking_ == num_inputs_) return std::nullopt;
    auto queue = queues_.find(taking_);
    Entry entry = std::move(queue->second.front());
    queue->second.pop_front();
    if (queue->second.empty()) queues_.erase(queue);
    queued_.memory -= entry.bytes.memory;
    queued_.disk -= entry.bytes.disk;
    const int64_t input = taking_;
    if (entry.final) ++taking_;
    changed_.notify_all();
    return std::make_pair(input, std::move(entry.item));
  }

  // Ends all waits. Any thread may call it.
  void Close() {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  bool closed() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }

 private:
  struct Entry {
    Item item;
    QueuedBytes bytes;
    bool final = false;
  };

  // An item of 0 bytes always has room.
  bool HasRoom(const QueuedBytes& bytes) const {
    return (bytes.memory == 0 || queued_.memory + bytes.memory <= bound_.memory) &&
           (bytes.disk == 0 || queued_.disk + bytes.disk <= bound_.disk);
  }

  const int64_t num_inputs_;
  const QueuedBytes bound_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int64_t claimed_ = 0;
  int64_t taking_ = 0;
  QueuedBytes queued_;
  bool closed_ = false;
  std::map<int64_t, std::deque<Entry>> queues_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_ORDERED_QUEUE_H_
