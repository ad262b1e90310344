// From the keys of a published checkpoint to the model's, which are those of its
// reference: wrappers, other spellings, 2-D ResNets, parts that only pre-training
// uses. Torch-free; pure functions over names and shapes.
#ifndef MODELS_WEIGHTS_KEY_RULES_H_
#define MODELS_WEIGHTS_KEY_RULES_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/weights/renamed_keys.h"  // IWYU pragma: export
#include "models/weights/safetensors_format.h"

namespace slimreel {

// `model`: all names of the model (or of one stream of it, see stream_merge.h). Keys
// that no rule knows stay as they are.
RenamedKeys RenameKeys(std::vector<WeightEntry> stored, const std::set<std::string>& model);

// What the keys look like: "Hugging Face VideoMAE", "2-D ResNet", ...; "unknown keys".
std::string LayoutOf(const std::vector<WeightEntry>& stored);

// Keys that depend on the classes, or that classification adds to a backbone.
bool IsHeadKey(const std::string& name);
// Tensors that keep their values where the file lacks them: counters that older
// versions of PyTorch did not save, and parts that no published checkpoint has.
bool MayBeAbsent(const std::string& name);

// Classes of the file's head; none where it has none.
std::optional<int64_t> ClassesOfHead(const std::vector<WeightEntry>& stored);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_KEY_RULES_H_
