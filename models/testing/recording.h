// One forward pass of a chain that keeps every tensor that its stages make, by name.
//
// Threading: one thread per chain.
#ifndef MODELS_TESTING_RECORDING_H_
#define MODELS_TESTING_RECORDING_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

struct Recording {
  // "stage/slot" for each slot that a stage made (not those handed on), except the last stage's.
  std::vector<NamedTensor> activations;
  Tensors last;  // the last stage's tuple
};

Recording RunRecorded(const std::vector<std::unique_ptr<Stage>>& stages,
                      const StageContext& context, Tensors slots);

// Labels or tokens of fixtures and requests, [B] or [B, L], as an int64 tensor.
at::Tensor IntegerTensor(const nlohmann::json& rows);

}  // namespace slimreel

#endif  // MODELS_TESTING_RECORDING_H_
