// One forward pass of a chain with every tensor that its stages make, by name.
//
// Callers: parity, dump_tensors.
#ifndef MODELS_TESTING_RECORDING_H_
#define MODELS_TESTING_RECORDING_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

struct Recording {
  // "stage/slot" for each slot that a stage made, not handed on; without the last stage's.
  std::vector<NamedTensor> activations;
  Tensors last;  // the last stage's tuple
};

Recording RunRecorded(const std::vector<std::unique_ptr<Stage>>& stages,
                      const StageContext& context, Tensors slots);

// Rows of integers, [B] or [B, L], as int64: labels and tokens of fixtures and requests.
at::Tensor IntegerTensor(const nlohmann::json& rows);

}  // namespace slimreel

#endif  // MODELS_TESTING_RECORDING_H_
