// How far a PrefetchQueue works ahead.
#ifndef DATA_LOADING_PREFETCH_OPTIONS_H_
#define DATA_LOADING_PREFETCH_OPTIONS_H_

#include <algorithm>
#include <cstdint>

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

}  // namespace slimreel

#endif  // DATA_LOADING_PREFETCH_OPTIONS_H_
