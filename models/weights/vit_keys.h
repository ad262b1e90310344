// Spellings of the video transformers' keys: those of the authors' own code (VideoMAE of
// MCG-NJU, TimeSformer of Facebook Research) and of all versions of Hugging Face's
// transformers, to the names that the published Hugging Face files have. Torch-free; pure
// functions over names and shapes.
#ifndef MODELS_WEIGHTS_VIT_KEYS_H_
#define MODELS_WEIGHTS_VIT_KEYS_H_

#include <set>
#include <string>

#include "models/weights/renamed_keys.h"

namespace slimreel {

// The authors' keys to Hugging Face's, as its convert_videomae_to_pytorch.py and
// convert_timesformer_to_pytorch.py have them. VideoMAE's joint projection is cut into the rows
// of query, key and value. Keys of other files stay as they are. `model`: all names of the model.
void RenameAuthorsVit(const std::set<std::string>& model, RenamedKeys* keys);

// Hugging Face's VideoMAE: the biases' other names, parts that only pre-training uses, a
// classifier that reads other features. Needs the names that RenameAuthorsVit leaves.
void RenameVideoMae(const std::set<std::string>& model, RenamedKeys* keys);

// "...attention.attention.query.bias" for "...attention.attention.q_bias", likewise value.bias;
// empty for other names: what transformers 5.5.1 to 5.17.0 looks for.
std::string SecondNameOfBias(const std::string& name);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_VIT_KEYS_H_
