// Randomness without a generator: each draw is a hash of (seed, step, sample
// position in the effective batch, layer, element). So masks do not depend on
// how a batch is split, and a recompute draws the same mask again.
//
// Threading: pure functions, any thread.
#ifndef MODELS_LAYERS_KEYED_RANDOM_H_
#define MODELS_LAYERS_KEYED_RANDOM_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "base/counter_random.h"
#include "memory/stage/stage.h"

namespace slimreel {

// FNV-1a of a layer's name: stable across runs and builds.
constexpr uint64_t LayerId(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

// The key of all draws of one sample in one layer at one step.
uint64_t SampleRandomKey(const StageContext& context, uint64_t layer_id, int64_t position);

// Draw number `element` of a sample: uniform in [0, 2^24).
constexpr uint32_t KeyedDraw(uint64_t sample_key, int64_t element) {
  return static_cast<uint32_t>(CounterBits(sample_key, static_cast<uint64_t>(element)) >> 40);
}

// Elements whose KeyedDraw lies below this value are dropped.
uint32_t DropThreshold(double probability);

// [batch, elements] bool, true if the element is kept. Row b belongs to the sample at
// position context.first_position + b. The same bits on every device.
at::Tensor KeyedKeepMask(const StageContext& context, uint64_t layer_id, int64_t batch,
                         int64_t elements, double probability, at::Device device);

// [batch] of the options' dtype: 1 / (1 - probability), or 0 for samples whose draw 0 drops them.
// Made on the device; the same bits on every device.
at::Tensor KeyedPathFactors(const StageContext& context, uint64_t layer_id, int64_t batch,
                            double probability, const at::TensorOptions& options);

}  // namespace slimreel

#endif  // MODELS_LAYERS_KEYED_RANDOM_H_
