// Renames the keys of video transformers to those of the published Hugging Face files. The
// source is the authors' own code (VideoMAE of MCG-NJU, TimeSformer of Facebook Research) or
// any version of Hugging Face's transformers. Does not use torch.
//
// Threading: pure functions over names and shapes, any thread.
#ifndef MODELS_WEIGHTS_VIT_KEYS_H_
#define MODELS_WEIGHTS_VIT_KEYS_H_

#include <set>
#include <string>

#include "models/weights/renamed_keys.h"

namespace slimreel {

// Renames the authors' keys to Hugging Face's, as convert_videomae_to_pytorch.py and
// convert_timesformer_to_pytorch.py do. Cuts VideoMAE's joint projection into the rows of
// query, key and value. Keys of other files are unchanged. `model`: all names of the model.
void RenameAuthorsVit(const std::set<std::string>& model, RenamedKeys* keys);

// For Hugging Face's VideoMAE: renames the biases' other names, and leaves out parts that only
// pre-training uses and a classifier that reads other features. Call it after
// RenameAuthorsVit.
void RenameVideoMae(const std::set<std::string>& model, RenamedKeys* keys);

// The name of a bias that transformers 5.5.1 to 5.17.0 looks for:
// "...attention.attention.query.bias" for "...attention.attention.q_bias", and value.bias for
// v_bias. Empty for other names.
std::string SecondNameOfBias(const std::string& name);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_VIT_KEYS_H_
