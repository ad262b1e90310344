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

// SampleRandomKey of `batch` samples, [batch] int64: MixKeys over a tensor of positions.
at::Tensor SampleKeys(const StageContext& context, uint64_t layer_id, int64_t batch,
                      const at::TensorOptions& options) {
  const uint64_t of_step = MixKeys(context.seed, static_cast<uint64_t>(context.step));
  const uint64_t first = MixBits(MixKeys(of_step, layer_id) + kSplitMixStep) +
                         static_cast<uint64_t>(context.first_position);
  at::Tensor keys = at::arange(batch, options).add_(static_cast<int64_t>(first));
  MixBitsTensor(keys);
  return keys;
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
  const at::Tensor keys = SampleKeys(context, layer_id, batch, options);
  at::Tensor keep = at::empty({batch, elements}, options.dtype(at::kBool));
  const int64_t columns = std::clamp<int64_t>(elements, 1, kDrawsAtOnce);
  const int64_t rows = kDrawsAtOnce / columns;  // many samples at once if they are small
  for (int64_t row = 0; row < batch; row += rows) {
    const int64_t some = std::min(rows, batch - row);
    for (int64_t begin = 0; begin < elements; begin += columns) {
      const int64_t end = std::min(begin + columns, elements);
      at::Tensor draws =
          keys.narrow(0, row, some)
              .unsqueeze(1)
              .add(at::arange(begin, end, options).mul_(static_cast<int64_t>(kSplitMixStep)));
      MixBitsTensor(draws);
      at::Tensor out = keep.narrow(0, row, some).narrow(1, begin, end - begin);
      at::ge_out(out, LogicalShiftRight(draws, 40), threshold);
    }
  }
  return keep;
}

at::Tensor KeyedPathFactors(const StageContext& context, uint64_t layer_id, int64_t batch,
                            double probability, const at::TensorOptions& options) {
  return KeyedKeepMask(context, layer_id, batch, /*elements=*/1, probability, options.device())
      .squeeze(1)
      .to(options.dtype())
      .mul_(1.0 / (1.0 - probability));
}

}  // namespace slimreel
