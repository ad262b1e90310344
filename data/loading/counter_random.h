// Randomness as a function of counters: the same inputs give the same bits in
// any thread, in any order, after any resume. There is no state to save.
//
// base/mix_bits.h, chained over the inputs.
#ifndef DATA_LOADING_COUNTER_RANDOM_H_
#define DATA_LOADING_COUNTER_RANDOM_H_

#include <cstdint>
#include <initializer_list>

#include "base/mix_bits.h"

namespace slimreel {

constexpr uint64_t CounterBits(std::initializer_list<uint64_t> counters) {
  uint64_t state = 0;
  for (const uint64_t counter : counters) {
    state = MixBits(state + kSplitMixStep + counter);
    state = MixBits(state ^ 0x2545f4914f6cdd1dull);
  }
  return state;
}

// Maps bits onto [0, bound), bound >= 1, without a division (Lemire 2019; the
// bias is below bound / 2^64).
constexpr int64_t BelowBound(uint64_t bits, int64_t bound) {
  return static_cast<int64_t>((static_cast<unsigned __int128>(bits) * bound) >> 64);
}

}  // namespace slimreel

#endif  // DATA_LOADING_COUNTER_RANDOM_H_
