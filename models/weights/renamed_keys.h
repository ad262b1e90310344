// The result of the rules for published keys: a file's tensors under the model's names. Does
// not use torch.
#ifndef MODELS_WEIGHTS_RENAMED_KEYS_H_
#define MODELS_WEIGHTS_RENAMED_KEYS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "models/weights/safetensors_format.h"

namespace slimreel {

struct RenamedKeys {
  std::vector<WeightEntry> entries;  // under the model's names; an empty name: left out
  // entries[i] is the file's tensor stored_of[i], or some rows of it.
  std::vector<size_t> stored_of;
  std::vector<std::string> notes;  // one line for each change
  // {left out, kept}: indices of two entries that are one tensor under two names. The caller
  // checks that their bytes agree.
  std::vector<std::pair<size_t, size_t>> tied;
};

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_RENAMED_KEYS_H_
