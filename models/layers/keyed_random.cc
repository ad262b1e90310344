#include "models/layers/keyed_random.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ge.h>

#include <algorithm>
#include <cmath>

namespace slimreel {
namespace {

// Unsigned x >> n, for 0 < n < 64. at::Tensor has only signed 64-bit integers.
at::Tensor LogicalShiftRight(const at::Tensor& x, int64_t n) {
  return x.bitwise_right_shift(n).bitwise_and_((int64_t{1} << (64 - n)) - 1);
}

// MixBits element by element on any device: integer products wrap modulo 2^64.
// In place, on z [...] int64.
void MixBitsTensor(at::Tensor& z) {
  z.bitwise_xor_(LogicalShiftRight(z, 30)).mul_(static_cast<int64_t>(kMixFactor1));
  z.bitwise_xor_(LogicalShiftRight(z, 27)).mul_(static_cast<int64_t>(kMixFactor2));
  z.bitwise_xor_(LogicalShiftRight(z, 31));
}

// Draws per block: two int64 tensors of 4 MiB.
constexpr int64_t kDrawsAtOnce = int64_t{1} << 19;

}  // namespace

uint64_t SampleRandomKey(const StageContext& context, uint64_t layer_id, int64_t position) {
  const uint64_t of_step = MixKeys(context.seed, static_cast<uint64_t>(context.step));
  return MixKeys(MixKeys(of_step, layer_id), static_cast<uint64_t>(position));
}

uint32_t DropThreshold(double probability) {
  return static_cast<uint32_t>(std::lround(probability * (1 << 24)));
}

at::Tensor KeyedKeepMask(const StageContext& context, uint64_t layer_id, int64_t batch,
                         int64_t elements, double probability, at::Device device) {
  const auto threshold = static_cast<int64_t>(DropThreshold(probability));
  const at::TensorOptions options = at::TensorOptions().dtype(at::kLong).device(device);
  at::Tensor keep = at::empty({batch, elements}, options.dtype(at::kBool));
  for (int64_t b = 0; b < batch; ++b) {
    const auto key =
        static_cast<int64_t>(SampleRandomKey(context, layer_id, context.first_position + b));
    for (int64_t begin = 0; begin < elements; begin += kDrawsAtOnce) {
      const int64_t end = std::min(begin + kDrawsAtOnce, elements);
      at::Tensor draws =
          at::arange(begin, end, options).mul_(static_cast<int64_t>(kSplitMixStep)).add_(key);
      MixBitsTensor(draws);
      at::Tensor out = keep[b].narrow(0, begin, end - begin);
      at::ge_out(out, LogicalShiftRight(draws, 40), threshold);
    }
  }
  return keep;
}

}  // namespace slimreel
