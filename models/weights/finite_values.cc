#include "models/weights/finite_values.h"

#include <algorithm>
#include <cstring>

namespace slimreel {
namespace {

constexpr size_t kWord = sizeof(uint64_t);
constexpr size_t kBlockBytes = 4096;  // checked at once; counted only if one is found

// How many elements `is_bad` holds for.
template <typename Element, typename IsBad>
int64_t CountEach(std::string_view bytes, const IsBad& is_bad) {
  int64_t count = 0;
  for (size_t at = 0; at + sizeof(Element) <= bytes.size(); at += sizeof(Element)) {
    Element element;
    std::memcpy(&element, bytes.data() + at, sizeof(element));
    count += is_bad(element) ? 1 : 0;
  }
  return count;
}

// `bits` in every lane of a word.
template <typename Bits>
constexpr uint64_t InAllLanes(Bits bits) {
  uint64_t word = 0;
  for (size_t lane = 0; lane < kWord / sizeof(Bits); ++lane) {
    word |= static_cast<uint64_t>(bits) << (8 * sizeof(Bits) * lane);
  }
  return word;
}

// An element is infinite or NaN if all bits of its exponent are set. Adding the exponent's
// lowest bit to the exponent then carries into the sign bit, and never further. So one addition
// checks a word of several elements, at the speed of memory without vector code.
template <typename Bits>
int64_t CountFullExponents(std::string_view bytes, Bits exponent) {
  const Bits lowest = exponent & static_cast<Bits>(-exponent);
  const auto sign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  const uint64_t exponents = InAllLanes(exponent), ones = InAllLanes(lowest);
  int64_t count = 0;
  for (size_t begin = 0; begin < bytes.size(); begin += kBlockBytes) {
    const std::string_view block = bytes.substr(begin, kBlockBytes);
    uint64_t carries = block.size() % kWord == 0 ? 0 : InAllLanes(sign);  // count a partial word
    for (size_t at = 0; at + kWord <= block.size(); at += kWord) {
      uint64_t word = 0;
      std::memcpy(&word, block.data() + at, kWord);
      carries |= (word & exponents) + ones;
    }
    if ((carries & InAllLanes(sign)) == 0) continue;
    count +=
        CountEach<Bits>(block, [exponent](Bits value) { return (value & exponent) == exponent; });
  }
  return count;
}

}  // namespace

int64_t CountNotFinite(std::string_view bytes, WeightType stored, WeightType target) {
  switch (stored) {
    case WeightType::kF64:
      if (target == WeightType::kF64) {
        return CountFullExponents<uint64_t>(bytes, 0x7ff0'0000'0000'0000);
      }
      return CountEach<double>(bytes, [](double value) {
        const auto narrow = static_cast<float>(value);
        uint32_t bits = 0;
        std::memcpy(&bits, &narrow, sizeof(bits));
        return (bits & 0x7f80'0000) == 0x7f80'0000;
      });
    case WeightType::kF32:
      return CountFullExponents<uint32_t>(bytes, 0x7f80'0000);
    case WeightType::kF16:
      return CountFullExponents<uint16_t>(bytes, 0x7c00);
    case WeightType::kBF16:
      return CountFullExponents<uint16_t>(bytes, 0x7f80);
    default:
      return 0;
  }
}

}  // namespace slimreel
