// What the rules for published keys make of a file's tensors. Torch-free.
#ifndef MODELS_WEIGHTS_RENAMED_KEYS_H_
#define MODELS_WEIGHTS_RENAMED_KEYS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "models/weights/safetensors_format.h"

namespace slimreel {

struct RenamedKeys {
  std::vector<WeightEntry> entries;  // under the model's names; an empty one is left out
  std::vector<size_t> stored_of;     // entries[i] is this one of the file's tensors, or rows of it
  std::vector<std::string> notes;    // what was done, a line each
  // {left out, kept}: entries that are one tensor under two names, by index. Whether their bytes
  // agree is the caller's to see.
  std::vector<std::pair<size_t, size_t>> tied;
};

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_RENAMED_KEYS_H_
