#include "data/loading/order.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "base/counter_random.h"

namespace slimreel {
namespace {

constexpr int kFeistelRounds = 6;
// One key per use of random bits, so that no two uses draw the same bits.
constexpr uint64_t kShuffleDraw = 0x6f72646572;
constexpr uint64_t kSlotDraw = 0x736c6f74;
constexpr uint64_t kWithinClassDraw = 0x636c617373;

}  // namespace

Permutation::Permutation(int64_t size, uint64_t key) : size_(size), key_(key), half_bits_(1) {
  while ((int64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
}

int64_t Permutation::operator()(int64_t position) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t value = static_cast<uint64_t>(position);
  do {
    uint64_t left = value >> half_bits_;
    uint64_t right = value & mask;
    for (uint64_t round = 0; round < kFeistelRounds; ++round) {
      const uint64_t mixed = CounterBits({key_, round, right}) & mask;
      left = std::exchange(right, left ^ mixed);
    }
    value = (left << half_bits_) | right;
  } while (value >= static_cast<uint64_t>(size_));
  return static_cast<int64_t>(value);
}

absl::StatusOr<SampleOrder> SampleOrder::Create(Sampling sampling, uint64_t seed,
                                                int64_t num_samples,
                                                const std::vector<int64_t>& labels) {
  SampleOrder order;
  order.sampling_ = sampling;
  order.seed_ = seed;
  order.num_samples_ = num_samples;
  if (sampling != Sampling::kClassBalanced) return order;
  std::map<int64_t, std::vector<int64_t>> by_label;
  for (int64_t sample = 0; sample < num_samples; ++sample) {
    if (labels[sample] >= 0) by_label[labels[sample]].push_back(sample);
  }
  if (by_label.empty()) {
    return absl::InvalidArgumentError(
        "data.sampling is class_balanced, but no sample has a label; use shuffle or sequential");
  }
  for (auto& [label, samples] : by_label) order.by_class_.push_back(std::move(samples));
  return order;
}

OrderEntry SampleOrder::At(int64_t epoch, int64_t position) const {
  const uint64_t epoch_counter = static_cast<uint64_t>(epoch);
  switch (sampling_) {
    case Sampling::kSequential:
      return {position, 0};
    case Sampling::kShuffle:
      return {
          Permutation(num_samples_, CounterBits({seed_, epoch_counter, kShuffleDraw}))(position),
          0};
    case Sampling::kClassBalanced:
      break;
  }
  // Slot i belongs to class i modulo the number of classes; the slots are shuffled.
  const int64_t slot =
      Permutation(num_samples_, CounterBits({seed_, epoch_counter, kSlotDraw}))(position);
  const int64_t num_classes = static_cast<int64_t>(by_class_.size());
  const int64_t which = slot % num_classes;
  const std::vector<int64_t>& samples = by_class_[which];
  const int64_t size = static_cast<int64_t>(samples.size());
  const int64_t round = slot / num_classes / size;
  const uint64_t key = CounterBits({seed_, epoch_counter, kWithinClassDraw,
                                    static_cast<uint64_t>(which), static_cast<uint64_t>(round)});
  return {samples[Permutation(size, key)(slot / num_classes % size)], round};
}

}  // namespace slimreel
