// Randomness as a function of counters: the same inputs give the same bits in
// any thread, in any order, after any resume. There is no state to save.
//
// The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", 2014), chained over the inputs.
#ifndef DATA_LOADING_COUNTER_RANDOM_H_
#define DATA_LOADING_COUNTER_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace slimreel {

constexpr uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

constexpr uint64_t CounterBits(std::initializer_list<uint64_t> counters) {
  uint64_t state = 0;
  for (const uint64_t counter : counters) {
    state = MixBits(state + 0x9e3779b97f4a7c15ull + counter);
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
