// Matches the tensors of a file with those of a model, and reports what does not fit. Does not
// use torch.
//
// Threading: pure functions over names, types and shapes, any thread.
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
  // T, so a clip of equal frames gives the image's result (mmaction2,
  // backbones/resnet3d.py, _inflate_conv_params).
  bool inflated = false;
  // The model has more input channels (dimension 1), for laterals. They are filled with zeros
  // (mmaction2, configs/skeleton/posec3d/rgbpose_conv3d/merge_pretrain.ipynb, padding).
  bool widened = false;
};

struct MatchRules {
  // True: any other dtype is a mismatch. False: only integers for floating point are.
  bool same_type = false;
  bool inflate = false;  // see TensorFit
  // Kernels that may lack input channels, and exactly how many. See TensorFit.
  std::map<std::string, int64_t> widen;
  // Tensors that keep their values if the file lacks them, or has them with another size in
  // dimension 0 (classes).
  std::set<std::string> head;
  // Other tensors that the file may lack. Null: none.
  std::function<bool(const std::string&)> may_be_absent;
};

struct TensorMatch {
  size_t stored = 0;  // index into the file's tensors
  size_t target = 0;  // index into the model's
  TensorFit fit;
};

struct TensorMatching {
  std::vector<TensorMatch> matches;   // in the file's order
  std::vector<std::string> new_head;  // tensors of MatchRules::head that keep their values
  std::vector<std::string> absent;    // tensors that may_be_absent allowed
  // What does not fit: lines without indentation, such as "name [sizes]".
  std::vector<std::string> missing, surplus, wrong_shape, wrong_type, duplicates;
  bool fits() const;
  // The count and the first ten lines of each kind, indented. Empty if all tensors fit.
  std::string Problems() const;
};

// "  WHAT: 12" and the first ten lines, indented. Empty if there are no lines.
std::string CountedLines(absl::string_view what, const std::vector<std::string>& lines);

// `stored` has the model's names. Entries with an empty name are left out.
TensorMatching MatchTensors(const std::vector<WeightEntry>& stored,
                            const std::vector<WeightEntry>& targets, const MatchRules& rules);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_TENSOR_MATCH_H_
