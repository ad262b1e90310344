// Renames the keys of a published checkpoint to the model's keys, which are those of its
// reference. Handles wrappers, other spellings, 2-D ResNets, and parts that only pre-training
// uses. Does not use torch.
//
// Threading: pure functions over names and shapes, any thread.
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

// `model`: all names of the model, or of one of its streams (see stream_merge.h). Keys that
// no rule knows are unchanged.
RenamedKeys RenameKeys(std::vector<WeightEntry> stored, const std::set<std::string>& model);

// The kind of the keys: "Hugging Face VideoMAE", "2-D ResNet", ..., or "unknown keys".
std::string LayoutOf(const std::vector<WeightEntry>& stored);

// Is it a key of the head, which depends on the classes or which classification adds to a
// backbone?
bool IsHeadKey(const std::string& name);
// May the file lack this tensor, which then keeps its values? True for counters that older
// versions of PyTorch did not save, and for parts that no published checkpoint has.
bool MayBeAbsent(const std::string& name);

// The number of classes of the file's head; none if it has no head.
std::optional<int64_t> ClassesOfHead(const std::vector<WeightEntry>& stored);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_KEY_RULES_H_
