#include "models/layers/keyed_random.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <cmath>

namespace slimreel {
namespace {

// x >> n without the sign, for 0 < n < 64; at::Tensor has signed 64-bit integers only.
at::Tensor LogicalShiftRight(const at::Tensor& x, int64_t n) {
  return x.bitwise_right_shift(n).bitwise_and_((int64_t{1} << (64 - n)) - 1);
}

// MixBits element by element on any device: integer products wrap modulo 2^64.
at::Tensor MixBitsTensor(at::Tensor z) {
  z = z.bitwise_xor(LogicalShiftRight(z, 30)).mul_(static_cast<int64_t>(0xbf58476d1ce4e5b9ull));
  z = z.bitwise_xor(LogicalShiftRight(z, 27)).mul_(static_cast<int64_t>(0x94d049bb133111ebull));
  return z.bitwise_xor(LogicalShiftRight(z, 31));
}

}  // namespace

uint64_t SampleKey(const StageContext& context, uint64_t layer_id, int64_t position) {
  const uint64_t of_step = MixKeys(context.seed, static_cast<uint64_t>(context.step));
  return MixKeys(MixKeys(of_step, layer_id), static_cast<uint64_t>(position));
}

uint32_t DropThreshold(double probability) {
  return static_cast<uint32_t>(std::lround(probability * (1 << 24)));
}

at::Tensor KeyedKeepMask(const StageContext& context, uint64_t layer_id, int64_t batch,
                         int64_t elements, double probability, at::Device device) {
  at::Tensor keys = at::empty({batch, 1}, at::kLong);
  for (int64_t b = 0; b < batch; ++b) {
    keys.mutable_data_ptr<int64_t>()[b] =
        static_cast<int64_t>(SampleKey(context, layer_id, context.first_position + b));
  }
  const at::Tensor counters =
      at::arange(elements, at::TensorOptions().dtype(at::kLong).device(device))
          .mul_(static_cast<int64_t>(0x9e3779b97f4a7c15ull));
  const at::Tensor draws = LogicalShiftRight(MixBitsTensor(keys.to(device).add(counters)), 40);
  return draws.ge(static_cast<int64_t>(DropThreshold(probability)));
}

}  // namespace slimreel
