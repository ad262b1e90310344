// What a model's stages make, keep and compute, measured by running them once; how many
// parameters the model has; how much its BatchNorms see.
//
// Callers: //models:model, trainer/setup. One thread. Moves no running statistics.
#ifndef MODELS_FACTORY_DESCRIPTION_H_
#define MODELS_FACTORY_DESCRIPTION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/chain/model.h"

namespace slimreel {

// A tied parameter counts once.
struct ParameterCount {
  int64_t trained = 0;  // elements of the parameters
  // Elements of tables that are computed, stored and never trained (Whisper's audio
  // positions): buffers here, frozen parameters in the reference, whose published count
  // includes them. BatchNorm's statistics are buffers there too and count nowhere.
  int64_t fixed = 0;
  int64_t published() const { return trained + fixed; }
};
// From shapes alone: also of models built on kMeta.
ParameterCount CountParameters(const Model& model);

struct StageDescription {
  std::string name;
  std::vector<std::vector<int64_t>> output_sizes;  // per slot
  int64_t parameters = 0;  // elements; a tied one in each stage that uses it
  // Bytes that stay alive for backward beyond the stage's inputs and outputs, in the
  // plain and in the lean form (where a stage has none: as plain).
  int64_t saved_bytes = 0;
  int64_t lean_saved_bytes = 0;
  int64_t output_bytes = 0;  // of the outputs made here (not those handed on), each storage once
  int64_t flops = 0;         // of the forward pass; see flop_counter.h
};

// Runs each stage and the loss forward with grad, in training mode, on zeros of
// `model.inputs` for `batch` samples. `live_bytes` reads the allocator's live tensor bytes.
std::vector<StageDescription> DescribeStages(const Model& model, int64_t batch,
                                             const std::function<int64_t()>& live_bytes);

// Values of one channel and one sample, at the BatchNorm that sees fewest of them (1: a
// group of one sample has no variance there); 0: the model has none. Runs the stages once on
// zeros of one sample, in evaluation mode, where the model's parameters are.
int64_t FewestNormValues(const Model& model);

}  // namespace slimreel

#endif  // MODELS_FACTORY_DESCRIPTION_H_
