// Which tensor of a file goes into which of a model, and what does not fit.
// Torch-free; pure functions over names, types and shapes.
#ifndef MODELS_WEIGHTS_TENSOR_MATCH_H_
#define MODELS_WEIGHTS_TENSOR_MATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/weights/safetensors_format.h"

namespace slimreel {

// How a stored tensor becomes the model's.
struct TensorFit {
  // [O, I, h, w] is repeated over the temporal kernel T of [O, I, T, h, w] and divided by
  // T, so that a clip of equal frames gives the picture's result (mmaction2,
  // backbones/resnet3d.py, _inflate_conv_params).
  bool inflated = false;
  // Dimension 1 (input channels) is longer in the model by what laterals add, which is
  // zero (mmaction2,
  // configs/skeleton/posec3d/rgbpose_conv3d/merge_pretrain.ipynb, padding).
  bool widened = false;
};

struct MatchRules {
  // A tensor of another dtype is a mismatch; else one of integers for floating point alone.
  bool same_type = false;
  bool inflate = false;  // see TensorFit
  // Kernels that may lack input channels, and how many exactly. See TensorFit.
  std::map<std::string, int64_t> widen;
  // Tensors that keep their values where the file lacks them, or has them with another
  // size in dimension 0 (classes).
  std::set<std::string> head;
  // Others that may be absent. Null: none.
  std::function<bool(const std::string&)> may_be_absent;
};

struct TensorMatch {
  size_t stored = 0;  // index into the file's tensors
  size_t target = 0;  // index into the model's
  TensorFit fit;
};

struct TensorMatching {
  std::vector<TensorMatch> matches;   // in the file's order
  std::vector<std::string> new_head;  // of the rules' head
  std::vector<std::string> absent;    // by may_be_absent
  // What does not fit: lines without indentation, "name [sizes]" and the like.
  std::vector<std::string> missing, surplus, wrong_shape, wrong_type, duplicates;
  bool fits() const;
  // The first ten of each kind with their counts, indented; empty where all fits.
  std::string Problems() const;
};

// "  WHAT: 12" and the first ten lines, each indented; empty where there are none.
std::string CountedLines(absl::string_view what, const std::vector<std::string>& lines);

// `stored` under the model's names; one with an empty name is left out.
TensorMatching MatchTensors(const std::vector<WeightEntry>& stored,
                            const std::vector<WeightEntry>& targets, const MatchRules& rules);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_TENSOR_MATCH_H_
