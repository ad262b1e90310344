// The order of the samples in an epoch. The sample at a position is a function of
// (seed, epoch, position), computed in constant time and memory.
//
// Threading: const methods from any number of threads at once.
#ifndef DATA_LOADING_ORDER_H_
#define DATA_LOADING_ORDER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/loader_options.h"

namespace slimreel {

// A pseudorandom permutation of [0, size): a balanced Feistel network over the next power of
// four, applied again until the value lies in the range (cycle walking: Black and Rogaway,
// "Ciphers with arbitrary finite domains", 2002, section 5).
class Permutation {
 public:
  Permutation(int64_t size, uint64_t key);  // size >= 1
  int64_t operator()(int64_t position) const;

 private:
  int64_t size_;
  uint64_t key_;
  int half_bits_;
};

struct OrderEntry {
  int64_t sample = 0;
  int64_t repetition = 0;  // how often the sample occurred before in this epoch
};

class SampleOrder {
 public:
  // `labels`: of each sample; -1: none. Only kClassBalanced reads them; it leaves out samples
  // without a label. InvalidArgument: kClassBalanced, and no sample has a label.
  static absl::StatusOr<SampleOrder> Create(Sampling sampling, uint64_t seed, int64_t num_samples,
                                            const std::vector<int64_t>& labels);

  int64_t size() const { return num_samples_; }  // places of an epoch: the number of samples
  // kShuffle: an epoch has every sample once. kClassBalanced: the classes occur equally often
  // (their counts differ by at most 1). Each class takes its samples in shuffled order, and
  // repeats one only after it has used all.
  OrderEntry At(int64_t epoch, int64_t position) const;

 private:
  SampleOrder() = default;

  Sampling sampling_ = Sampling::kShuffle;
  uint64_t seed_ = 0;
  int64_t num_samples_ = 0;
  std::vector<std::vector<int64_t>> by_class_;  // samples of each class that has any
};

}  // namespace slimreel

#endif  // DATA_LOADING_ORDER_H_
