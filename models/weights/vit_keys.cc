#include "models/weights/vit_keys.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace slimreel {
namespace {

using Entries = std::vector<WeightEntry>;
using Names = std::set<std::string>;
using Pair = std::pair<absl::string_view, absl::string_view>;

constexpr char kVideoMae[] = "videomae.", kTimesformer[] = "timesformer.";
// {the published name, the one of transformers 5.5.1 to 5.17.0}
constexpr Pair kBiases[] = {{".attention.attention.q_bias", ".attention.attention.query.bias"},
                            {".attention.attention.v_bias", ".attention.attention.value.bias"}};
constexpr char kKeyBias[] = ".attention.attention.key.bias";
constexpr char kJoint[] = ".attention.attention.qkv.weight";
// Prefixes that the authors' pre-training and fine-tuning put before the network's keys.
constexpr absl::string_view kAuthorsPrefixes[] = {"encoder.", "backbone."};
// Renames within "blocks.N...".
constexpr std::array<Pair, 10> kInBlock{
    {{".norm1.", ".layernorm_before."},
     {".norm2.", ".layernorm_after."},
     {".temporal_norm1.", ".temporal_layernorm."},
     {".mlp.fc1.", ".intermediate.dense."},
     {".mlp.fc2.", ".output.dense."},
     {".temporal_fc.", ".temporal_dense."},
     {".attn.proj.", ".attention.output.dense."},
     {".attn.", ".attention.attention."},
     {".temporal_attn.proj.", ".temporal_attention.output.dense."},
     {".temporal_attn.", ".temporal_attention.attention."}}};
// Renames outside of the blocks; the new names follow the model's own prefix.
constexpr Pair kAroundBlocks[] = {{"patch_embed.proj.", "embeddings.patch_embeddings.projection."},
                                  {"norm.", "layernorm."},
                                  {"cls_token", "embeddings.cls_token"},
                                  {"pos_embed", "embeddings.position_embeddings"},
                                  {"time_embed", "embeddings.time_embeddings"}};
constexpr absl::string_view kPretraining[] = {"decoder.", "encoder_to_decoder.", "mask_token",
                                              "videomae.layernorm."};

bool AnyStartsWith(const Entries& entries, absl::string_view prefix) {
  return std::any_of(entries.begin(), entries.end(), [prefix](const WeightEntry& entry) {
    return absl::StartsWith(entry.name, prefix);
  });
}

bool AnyStartsWith(const Names& names, absl::string_view prefix) {
  const auto at = names.lower_bound(std::string(prefix));
  return at != names.end() && absl::StartsWith(*at, prefix);
}

absl::string_view WithoutAuthorsPrefix(absl::string_view name) {
  for (const absl::string_view prefix : kAuthorsPrefixes) {
    if (absl::ConsumePrefix(&name, prefix)) break;
  }
  return name;
}

bool HasAuthorsKeys(const Entries& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const WeightEntry& entry) {
    const absl::string_view name = WithoutAuthorsPrefix(entry.name);
    return absl::StartsWith(name, "blocks.") && absl::EndsWith(name, ".attn.qkv.weight");
  });
}

// `family`: the prefix of the model's keys.
std::string ToHuggingFace(const std::string& stored, absl::string_view family) {
  const absl::string_view name = WithoutAuthorsPrefix(stored);
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, "blocks.")) {
    return absl::StrCat(family, "encoder.layer.", absl::StrReplaceAll(rest, kInBlock));
  }
  if (absl::ConsumePrefix(&rest, "head.")) return absl::StrCat("classifier.", rest);
  if (absl::StartsWith(name, "fc_norm.")) return std::string(name);
  for (const auto& [from, to] : kAroundBlocks) {
    if (absl::ConsumePrefix(&rest, from)) return absl::StrCat(family, to, rest);
  }
  return stored;  // of pre-training (decoder.blocks...), or unknown
}

// A joint projection is [3 C, C]: query, key and value in this order (modeling_finetune.py,
// Attention.forward: qkv.reshape(B, N, 3, heads, -1)). So each is a third of the bytes.
void CutJointProjections(RenamedKeys* keys) {
  constexpr absl::string_view kParts[] = {"query.weight", "key.weight", "value.weight"};
  RenamedKeys cut;
  cut.notes = std::move(keys->notes);
  for (size_t i = 0; i < keys->entries.size(); ++i) {
    WeightEntry& entry = keys->entries[i];
    const bool joint =
        absl::EndsWith(entry.name, kJoint) && entry.shape.size() == 2 && entry.shape[0] % 3 == 0;
    if (!joint) {
      cut.entries.push_back(std::move(entry));
      cut.stored_of.push_back(keys->stored_of[i]);
      continue;
    }
    WeightEntry part = entry;
    part.shape[0] /= 3;
    part.bytes /= 3;
    for (const absl::string_view what : kParts) {
      part.name = absl::StrCat(absl::StripSuffix(entry.name, "qkv.weight"), what);
      cut.entries.push_back(part);
      cut.stored_of.push_back(keys->stored_of[i]);
      part.offset += part.bytes;
    }
  }
  *keys = std::move(cut);
}

std::string FirstNameOfBias(const std::string& name) {
  for (const auto& [ours, other] : kBiases) {
    if (!absl::EndsWith(name, other)) continue;
    return absl::StrCat(name.substr(0, name.size() - other.size()), ours);
  }
  return "";
}

// See Note [Biases of VideoMAE].
void RenameBiases(RenamedKeys* keys) {
  std::map<std::string, size_t> place_of;
  for (size_t i = 0; i < keys->entries.size(); ++i) place_of[keys->entries[i].name] = i;
  int64_t of_keys = 0, second = 0;
  for (size_t i = 0; i < keys->entries.size(); ++i) {
    std::string& name = keys->entries[i].name;
    if (absl::EndsWith(name, kKeyBias)) {
      name.clear();
      ++of_keys;
      continue;
    }
    const std::string old = FirstNameOfBias(name);
    if (old.empty()) continue;
    const auto twin = place_of.find(old);
    name = twin == place_of.end() ? old : "";
    if (twin == place_of.end()) continue;
    keys->tied.emplace_back(i, twin->second);
    ++second;
  }
  if (of_keys > 0) {
    keys->notes.push_back(absl::StrCat("left out ", of_keys,
                                       " biases of keys (key.bias), which softmax ignores: they "
                                       "add the same number to all scores of a query"));
  }
  if (second > 0) {
    keys->notes.push_back(absl::StrCat("left out the second names of ", second,
                                       " biases (query.bias and value.bias, which are q_bias and "
                                       "v_bias)"));
  }
}

// A network that does not pool over tokens (use_mean_pooling false) classifies by the first
// token after the final norm. Our model classifies by the mean after fc_norm.
void LeaveOutHeadOfFirstToken(RenamedKeys* keys) {
  if (!AnyStartsWith(keys->entries, "videomae.layernorm.") ||
      AnyStartsWith(keys->entries, "fc_norm.") || !AnyStartsWith(keys->entries, "classifier.")) {
    return;
  }
  for (WeightEntry& entry : keys->entries) {
    if (absl::StartsWith(entry.name, "classifier.")) entry.name.clear();
  }
  keys->notes.push_back(
      "left out the head (classifier): it reads the first token, but the model's head reads the "
      "mean of all tokens");
}

void LeaveOutPretraining(RenamedKeys* keys) {
  int64_t left_out = 0;
  for (WeightEntry& entry : keys->entries) {
    if (std::none_of(
            std::begin(kPretraining), std::end(kPretraining),
            [&entry](absl::string_view prefix) { return absl::StartsWith(entry.name, prefix); })) {
      continue;
    }
    entry.name.clear();
    ++left_out;
  }
  if (left_out == 0) return;
  keys->notes.push_back(absl::StrCat("left out ", left_out,
                                     " tensors that only pre-training uses (decoder, mask token, "
                                     "final norm)"));
}

}  // namespace

void RenameAuthorsVit(const Names& model, RenamedKeys* keys) {
  const bool video_mae = AnyStartsWith(model, kVideoMae);
  if ((!video_mae && !AnyStartsWith(model, kTimesformer)) || !HasAuthorsKeys(keys->entries)) return;
  for (WeightEntry& entry : keys->entries) {
    entry.name = ToHuggingFace(entry.name, video_mae ? kVideoMae : kTimesformer);
  }
  if (video_mae) CutJointProjections(keys);
  keys->notes.push_back(
      absl::StrCat("renamed the keys of the authors' code to Hugging Face's",
                   video_mae ? "; cut each attn.qkv.weight into query, key and value" : ""));
}

std::string SecondNameOfBias(const std::string& name) {
  for (const auto& [ours, other] : kBiases) {
    if (!absl::EndsWith(name, ours)) continue;
    return absl::StrCat(name.substr(0, name.size() - ours.size()), other);
  }
  return "";
}

// Note [Biases of VideoMAE]
// Query and value have biases; keys have none. The names q_bias and v_bias are used by the
// authors' code, by published files, and by transformers up to 5.5.0 and from 5.18.0 on. From
// 5.5.1 to 5.17.0 transformers has query.bias, value.bias and a trained key.bias instead. A key
// bias b adds q . b to every score of query q. Softmax does not change if all scores are shifted
// by the same number, so leaving b out changes nothing. A file may hold both names of a bias, so
// every version of transformers can read it.
void RenameVideoMae(const Names& model, RenamedKeys* keys) {
  if (!AnyStartsWith(keys->entries, kVideoMae) || !AnyStartsWith(model, kVideoMae)) return;
  RenameBiases(keys);
  LeaveOutHeadOfFirstToken(keys);
  LeaveOutPretraining(keys);
}

}  // namespace slimreel
