// The one mixer behind everything that is random as a function of numbers.
#ifndef BASE_MIX_BITS_H_
#define BASE_MIX_BITS_H_

#include <cstdint>

namespace slimreel {

// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
// number generators", 2014): a bijection after which every bit depends on all.
constexpr uint64_t MixBits(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

// What SplitMix64 adds to its state between numbers.
inline constexpr uint64_t kSplitMixStep = 0x9e3779b97f4a7c15ull;

}  // namespace slimreel

#endif  // BASE_MIX_BITS_H_
