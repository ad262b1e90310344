// The items of a PrefetchQueue that are being made or wait, in a window that moves with the
// consumer. Item n has slot n % capacity, so that handing it over allocates no memory.
//
// Threading: not thread-safe; the queue locks.
#ifndef DATA_LOADING_PREFETCH_SLOTS_H_
#define DATA_LOADING_PREFETCH_SLOTS_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

template <typename Item>
class PrefetchSlots {
 public:
  // `num_items`: negative: no end.
  PrefetchSlots(int64_t capacity, int64_t num_items)
      : capacity_(capacity),
        end_(num_items < 0 ? std::numeric_limits<int64_t>::max() : num_items),
        limit_(capacity),
        slots_(static_cast<size_t>(capacity)) {}

  // The lowest number that may be made now, if there is one. It counts as being made from now on.
  std::optional<int64_t> Claim() {
    for (int64_t number = next_; IsInside(number) && number < end_; ++number) {
      Slot& slot = SlotOf(number);
      if (slot.state != State::kEmpty) continue;
      slot.state = State::kMaking;
      return number;
    }
    return std::nullopt;
  }

  // `item` of a claimed number now waits. If the limit was lowered meanwhile, it is dropped. No
  // number after one that failed is claimed, because the consumer asks for none.
  void Put(int64_t number, absl::StatusOr<Item> item) {
    if (!item.ok()) end_ = std::min(end_, number + 1);
    Slot& slot = SlotOf(number);
    slot.state = IsInside(number) ? State::kMade : State::kEmpty;
    if (IsInside(number)) slot.item = std::move(item);
  }

  bool NextIsMade() { return SlotOf(next_).state == State::kMade; }
  // Needs NextIsMade. Moves the window on.
  absl::StatusOr<Item> TakeNext() {
    Slot& slot = SlotOf(next_++);
    absl::StatusOr<Item> item = *std::move(slot.item);
    slot = {};
    return item;
  }

  // At most `items` (1 to the capacity) are made or wait from now on. Items beyond that wait no
  // longer: they will be claimed again.
  void SetLimit(int64_t items) {
    limit_ = std::clamp<int64_t>(items, 1, capacity_);
    for (int64_t number = next_ + limit_; number < next_ + capacity_; ++number) {
      if (SlotOf(number).state == State::kMade) SlotOf(number) = {};
    }
  }

 private:
  enum class State { kEmpty, kMaking, kMade };
  struct Slot {
    State state = State::kEmpty;
    std::optional<absl::StatusOr<Item>> item;  // if kMade
  };
  Slot& SlotOf(int64_t number) { return slots_[static_cast<size_t>(number % capacity_)]; }
  bool IsInside(int64_t number) const { return number < next_ + limit_; }

  const int64_t capacity_;
  int64_t end_;       // no number from here on is made
  int64_t limit_;     // 1 to capacity_
  int64_t next_ = 0;  // that the consumer takes next
  std::vector<Slot> slots_;
};

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_SLOTS_H_
