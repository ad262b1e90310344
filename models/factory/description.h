// Describes a model: what its stages make, keep and compute (measured by running them once), how
// many parameters it has, and how many values its BatchNorms see.
//
// Threading: one thread. No function moves running statistics.
#ifndef MODELS_FACTORY_DESCRIPTION_H_
#define MODELS_FACTORY_DESCRIPTION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/chain/model.h"

namespace slimreel {

// Elements of the model's parameters. A tied parameter counts once.
struct ParameterCount {
  int64_t trained = 0;
  // Elements of tables that are computed, stored and never trained (Whisper's audio positions).
  // They are buffers here. In the reference they are frozen parameters, and its published count
  // includes them. BatchNorm's statistics are buffers in both and count in neither.
  int64_t fixed = 0;
  int64_t published() const { return trained + fixed; }
};
// Reads only shapes, so it also counts models that are built on kMeta.
ParameterCount CountParameters(const Model& model);

struct StageDescription {
  std::string name;
  std::vector<std::vector<int64_t>> output_sizes;  // one per slot
  int64_t parameters = 0;  // elements; a tied parameter counts in each stage that uses it
  // Bytes that stay alive for backward beyond the stage's inputs and outputs, in the plain and in
  // the lean form. A stage without a lean form has the same number in both.
  int64_t saved_bytes = 0;
  int64_t lean_saved_bytes = 0;
  int64_t output_bytes = 0;  // of outputs that the stage makes (not handed on); a storage once
  int64_t flops = 0;         // of the forward pass; see FlopCounter
};

// Runs each stage and the loss forward, with grad and in training mode, on zeros of `model.inputs`
// for `batch` samples. `live_bytes` reads the allocator's live tensor bytes.
std::vector<StageDescription> DescribeStages(const Model& model, int64_t batch,
                                             const std::function<int64_t()>& live_bytes);

// The number of values per channel that one sample gives to the BatchNorm that gets the fewest. If
// it is 1, a normalisation group of one sample has no variance there. 0: the model has no
// BatchNorm. It runs the stages once on zeros of one sample, in evaluation mode, on the device of
// the model's parameters.
int64_t FewestNormValues(const Model& model);

}  // namespace slimreel

#endif  // MODELS_FACTORY_DESCRIPTION_H_
