// Limits on how far a PrefetchQueue works ahead.
#ifndef DATA_LOADING_PREFETCH_OPTIONS_H_
#define DATA_LOADING_PREFETCH_OPTIONS_H_

#include <algorithm>
#include <cstdint>

namespace slimreel {

struct PrefetchOptions {
  int num_workers = 2;     // threads; 0: Next makes each item when it is asked for
  int max_ahead = 2;       // upper bound of items that are being made or waiting
  int64_t item_bytes = 0;  // size of the largest item
  int64_t max_bytes = 0;   // upper bound of the bytes of those items; one item is always allowed.
                           // 0: no such bound
  int64_t num_items = 0;   // after them Next returns OutOfRange; negative: no end
  // Number of items that may be made or wait at once, by both bounds.
  int64_t Capacity() const {
    int64_t capacity = max_ahead;
    if (max_bytes > 0 && item_bytes > 0) capacity = std::min(capacity, max_bytes / item_bytes);
    return std::max<int64_t>(1, capacity);
  }
};

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_OPTIONS_H_
