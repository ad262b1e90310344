// Random numbers that are functions of numbers: the same inputs give the same bits in any thread,
// in any order, with every standard library and after any resume. There is no state to save.
//
// What is random in training (order, crops, dropout, first weights) and in generated data (demo
// clips, synthetic samples) comes from here, so a change of any function changes results;
// counter_random_test.cc pins the bits. Threading: pure functions; a SplitMix64 belongs to one
// thread.
#ifndef BASE_COUNTER_RANDOM_H_
#define BASE_COUNTER_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace slimreel {

// The constants of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", 2014): what is added to the state between numbers, and the factors of MixBits.
inline constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15ull;
inline constexpr uint64_t kMixFactor1 = 0xbf58476d1ce4e5b9ull;
inline constexpr uint64_t kMixFactor2 = 0x94d049bb133111ebull;

// The last part of SplitMix64: a bijection after which every bit depends on all bits of `z`.
constexpr uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * kMixFactor1;
  z = (z ^ (z >> 27)) * kMixFactor2;
  return z ^ (z >> 31);
}

// Bits as a function of a key and one counter. The sequence over `counter` is that of SplitMix64
// with the state `key`, from one number earlier.
constexpr uint64_t CounterBits(uint64_t key, uint64_t counter) {
  return MixBits(key + kSplitMixStep * counter);
}

// Bits as a function of several counters, whose order and number count.
constexpr uint64_t CounterBits(std::initializer_list<uint64_t> counters) {
  uint64_t state = 0;
  for (const uint64_t counter : counters) {
    state = MixBits(state + kSplitMixStep + counter);
    state = MixBits(state ^ 0x2545f4914f6cdd1dull);
  }
  return state;
}

// A new key from two keys; MixKeys(a, b) and MixKeys(b, a) differ.
constexpr uint64_t MixKeys(uint64_t a, uint64_t b) {
  return MixBits(MixBits(a + kSplitMixStep) + b);
}

// Maps bits onto [0, bound), bound >= 1, without a division (Lemire 2019). The bias is below
// bound / 2^64.
constexpr int64_t BelowBound(uint64_t bits, int64_t bound) {
  return static_cast<int64_t>((static_cast<unsigned __int128>(bits) * bound) >> 64);
}

// Maps bits onto [0, 1): the upper 53 bits, and the upper 24 bits.
constexpr double UniformDouble(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
constexpr float UniformFloat(uint64_t bits) { return static_cast<float>(bits >> 40) * 0x1p-24f; }

// The sequence of SplitMix64, for callers that draw a variable number of values from one seed.
class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}
  constexpr uint64_t Bits() { return MixBits(state_ += kSplitMixStep); }
  // In [low, high). Scales last, so that a fused multiply-add gives the same bits.
  constexpr double Uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(Bits() >> 11) * 0x1p-53;
  }

 private:
  uint64_t state_;
};

}  // namespace slimreel

#endif  // BASE_COUNTER_RANDOM_H_
