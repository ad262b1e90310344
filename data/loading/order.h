// In which order an epoch takes the samples: a function of (seed, epoch) and
// the position, computed per position in constant time and memory.
//
// Who calls it: BatchBuilder. Threading: const and stateless, any thread.
#ifndef DATA_LOADING_ORDER_H_
#define DATA_LOADING_ORDER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "data/loading/loader_options.h"

namespace slimreel {

// A pseudorandom permutation of [0, size): a balanced Feistel network over the
// next power of four, walked until the value falls into the range (Black and
// Rogaway, "Ciphers with arbitrary finite domains", 2002, section 5).
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
  int64_t repetition = 0;  // how often the sample came before in this epoch
};

class SampleOrder {
 public:
  // `labels`: by sample, -1 where there is none; read for kClassBalanced only,
  // which leaves unlabelled samples out and fails where all are.
  static absl::StatusOr<SampleOrder> Create(Sampling sampling, uint64_t seed, int64_t num_samples,
                                            const std::vector<int64_t>& labels);

  int64_t size() const { return num_samples_; }  // of an epoch, as many as there are samples
  // kShuffle: every sample once. kClassBalanced: all classes equally often (but
  // for one), each class's samples shuffled and used up before any repeats.
  OrderEntry At(int64_t epoch, int64_t position) const;

 private:
  SampleOrder() = default;

  Sampling sampling_ = Sampling::kShuffle;
  uint64_t seed_ = 0;
  int64_t num_samples_ = 0;
  std::vector<std::vector<int64_t>> by_class_;  // samples of each class that has some
};

}  // namespace slimreel

#endif  // DATA_LOADING_ORDER_H_
