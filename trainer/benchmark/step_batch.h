// A random batch for step benchmarks. It holds what the network itself reads, because the input
// stages (normalising, drawing heatmaps) are not part of the comparison.
//
// Threading: a free function without state.
#ifndef TRAINER_BENCHMARK_STEP_BATCH_H_
#define TRAINER_BENCHMARK_STEP_BATCH_H_

#include <cstdint>

#include "models/chain/model.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct StepBatch {
  Tensors inputs;   // one per slot: normalised floats, heatmaps, log-mel or tokens
  Tensors targets;  // {labels [B]} or {labels [B, L]}, all valid
};

// `model` must have been built from `spec`.
StepBatch MakeStepBatch(const Model& model, const ModelSpec& spec, int64_t batch);

}  // namespace slimreel

#endif  // TRAINER_BENCHMARK_STEP_BATCH_H_
