// One made-up batch for step benchmarks, of what the network itself reads: what
// the input stages do (normalise, draw heatmaps) is no part of the comparison.
#ifndef TRAINER_BENCHMARK_STEP_BATCH_H_
#define TRAINER_BENCHMARK_STEP_BATCH_H_

#include <cstdint>

#include "models/chain/model.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct StepBatch {
  Tensors inputs;   // per slot: normalised floats, heatmaps, log-mel, tokens
  Tensors targets;  // {labels [B]} or {labels [B, L]}, all valid
};

// `model` was built from `spec`.
StepBatch MakeStepBatch(const Model& model, const ModelSpec& spec, int64_t batch);

}  // namespace slimreel

#endif  // TRAINER_BENCHMARK_STEP_BATCH_H_
