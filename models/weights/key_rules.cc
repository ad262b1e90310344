#include "models/weights/key_rules.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "models/weights/vit_keys.h"

namespace slimreel {
namespace {

using Entries = std::vector<WeightEntry>;
using Names = std::set<std::string>;

// Prefixes that training frameworks add to every key: DistributedDataParallel, Lightning and
// others, torch.compile. Whisper's own keys also begin with `model.`.
constexpr absl::string_view kWrappers[] = {"module.",           "state_dict.", "model_state.",
                                           "model_state_dict.", "_orig_mod.",  "model."};
// Prefixes that the keys of a bare backbone lack: Hugging Face's base models, mmaction2's
// backbones.
constexpr absl::string_view kBackbones[] = {"videomae.", "timesformer.", "model.", "backbone."};
// Parts of per-frame and RGB+pose networks that exist only in this project.
constexpr absl::string_view kOwnParts[] = {"temporal.", "cross_attention"};
constexpr absl::string_view kLstm = "temporal.lstm.";
constexpr absl::string_view kHeads[] = {"fc.", "fc_norm.", "classifier.", "cls_head."};

bool AllStartWith(const Entries& entries, absl::string_view prefix) {
  return !entries.empty() && std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
    return absl::StartsWith(entry.name, prefix);
  });
}

template <size_t N>
bool StartsWithAny(absl::string_view name, const absl::string_view (&prefixes)[N]) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [name](absl::string_view prefix) { return absl::StartsWith(name, prefix); });
}

bool AnyStartsWith(const Names& names, absl::string_view prefix) {
  const auto at = names.lower_bound(std::string(prefix));
  return at != names.end() && absl::StartsWith(*at, prefix);
}

// How many keys become names of the model if their first `cut` characters are replaced by
// `prefix`.
int64_t CountKnown(const Entries& entries, size_t cut, absl::string_view prefix,
                   const Names& model) {
  return std::count_if(entries.begin(), entries.end(), [&](const WeightEntry& entry) {
    return model.contains(absl::StrCat(prefix, entry.name.substr(cut)));
  });
}

bool IsWrapper(const Entries& entries, absl::string_view prefix, const Names& model) {
  if (!AllStartWith(entries, prefix)) return false;
  return !AnyStartsWith(model, prefix) ||
         CountKnown(entries, prefix.size(), "", model) > CountKnown(entries, 0, "", model);
}

void StripWrappers(const Names& model, RenamedKeys* keys) {
  for (bool again = true; again;) {
    again = false;
    for (const absl::string_view wrapper : kWrappers) {
      if (!IsWrapper(keys->entries, wrapper, model)) continue;
      for (WeightEntry& entry : keys->entries) entry.name.erase(0, wrapper.size());
      keys->notes.push_back(absl::StrCat("left out '", wrapper, "' before every key"));
      again = true;
    }
  }
}

void AddBackbonePrefix(const Names& model, RenamedKeys* keys) {
  if (CountKnown(keys->entries, 0, "", model) > 0) return;
  for (const absl::string_view prefix : kBackbones) {
    if (CountKnown(keys->entries, 0, prefix, model) == 0) continue;
    for (WeightEntry& entry : keys->entries) entry.name = absl::StrCat(prefix, entry.name);
    keys->notes.push_back(absl::StrCat("added '", prefix, "' before every key of a bare backbone"));
    return;
  }
}

bool IsResnet2d(const Entries& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const WeightEntry& entry) {
    return entry.name == "conv1.weight" && entry.shape.size() == 4;
  });
}

// For part "bn": "layer1.0.bn2.weight" -> before "layer1.0.", after "2.weight". False if the name
// has no such part.
bool SplitAtLayer(const std::string& name, absl::string_view part, std::string* before,
                  std::string* after) {
  const size_t at = absl::StartsWith(name, part) ? 0 : name.find(absl::StrCat(".", part));
  if (at == std::string::npos) return false;
  const size_t begin = at == 0 && absl::StartsWith(name, part) ? 0 : at + 1;
  *before = name.substr(0, begin);
  *after = name.substr(begin + part.size());
  return after->size() > 1 && absl::ascii_isdigit((*after)[0]) && (*after)[1] == '.';
}

// A key of torchvision's resnetN -> a key of mmaction2's ResNet3d, whose ConvModules hold conv
// and bn (backbones/resnet3d.py, _inflate_weights).
std::string ToConvModule(const std::string& name) {
  std::string before, after;
  if (SplitAtLayer(name, "conv", &before, &after)) {
    return absl::StrCat("backbone.", before, "conv", after.substr(0, 1), ".conv", after.substr(1));
  }
  if (SplitAtLayer(name, "bn", &before, &after)) {
    return absl::StrCat("backbone.", before, "conv", after.substr(0, 1), ".bn", after.substr(1));
  }
  return absl::StrCat("backbone.",
                      absl::StrReplaceAll(name, {{"downsample.0.", "downsample.conv."},
                                                 {"downsample.1.", "downsample.bn."}}));
}

// A key of torchvision's resnetN -> a key of its VideoResNet, whose blocks are Sequentials.
std::string ToVideoResnet(const std::string& name) {
  std::string before, after;
  const bool conv = SplitAtLayer(name, "conv", &before, &after);
  if (!conv && !SplitAtLayer(name, "bn", &before, &after)) return name;
  const absl::string_view place = conv ? ".0" : ".1";
  const std::string rest = after.substr(1);
  if (before.empty()) return absl::StrCat("stem", place, rest);
  return absl::StrCat(before, "conv", after.substr(0, 1), place, rest);
}

void RenameResnet2d(const Names& model, RenamedKeys* keys) {
  const bool modules = model.contains("backbone.conv1.conv.weight");
  const bool sequentials = model.contains("stem.0.weight");
  if (!IsResnet2d(keys->entries) || (!modules && !sequentials)) return;
  for (WeightEntry& entry : keys->entries) {
    if (absl::StartsWith(entry.name, "fc.")) {
      entry.name.clear();  // the head for classes of images
    } else {
      entry.name = modules ? ToConvModule(entry.name) : ToVideoResnet(entry.name);
    }
  }
  keys->notes.push_back("renamed the keys of a 2-D ResNet; left out its head (fc)");
}

// Whisper's output layer is the embedding of tokens. Files may store it under both names.
void RenameWhisper(const Names& model, RenamedKeys* keys) {
  constexpr char kTokens[] = "model.decoder.embed_tokens.weight", kOutput[] = "proj_out.weight";
  if (!model.contains(kTokens)) return;
  Entries& entries = keys->entries;
  const auto place_of = [&entries](absl::string_view name) {
    return std::find_if(entries.begin(), entries.end(),
                        [name](const WeightEntry& entry) { return entry.name == name; });
  };
  const auto output = place_of(kOutput), tokens = place_of(kTokens);
  if (output == entries.end()) return;
  output->name = tokens == entries.end() ? kTokens : "";
  if (tokens == entries.end()) return;
  keys->tied.emplace_back(output - entries.begin(), tokens - entries.begin());
  keys->notes.push_back("left out proj_out.weight, which is embed_tokens.weight");
}

// In a model with an LSTM over the frames' features the head reads the LSTM's output. The head
// of a file without an LSTM reads other features.
void LeaveOutHeadBeforeLstm(const Names& model, RenamedKeys* keys) {
  const bool in_file = std::any_of(keys->entries.begin(), keys->entries.end(),
                                   [](const auto& e) { return absl::StartsWith(e.name, kLstm); });
  if (in_file || !AnyStartsWith(model, kLstm)) return;
  int64_t left_out = 0;
  for (WeightEntry& entry : keys->entries) {
    if (!absl::StartsWith(entry.name, kHeads[0])) continue;
    entry.name.clear();
    ++left_out;
  }
  if (left_out == 0) return;
  keys->notes.push_back(
      "left out the head (fc): it reads features of frames, but the model's head reads the LSTM");
}

}  // namespace

RenamedKeys RenameKeys(Entries stored, const Names& model) {
  RenamedKeys keys;
  keys.entries = std::move(stored);
  keys.stored_of.resize(keys.entries.size());
  std::iota(keys.stored_of.begin(), keys.stored_of.end(), 0);
  StripWrappers(model, &keys);
  RenameAuthorsVit(model, &keys);
  AddBackbonePrefix(model, &keys);
  RenameResnet2d(model, &keys);
  RenameVideoMae(model, &keys);
  RenameWhisper(model, &keys);
  LeaveOutHeadBeforeLstm(model, &keys);
  return keys;
}

std::string LayoutOf(const Entries& stored) {
  constexpr std::pair<absl::string_view, absl::string_view> kMarks[] = {
      {"backbone.rgb_path.", "mmaction2 RGBPoseConv3D"},
      {"backbone.conv1.conv.", "mmaction2 ResNet3d"},
      {"decoder.embed_tokens.", "Hugging Face Whisper"},
      {"timesformer.", "Hugging Face TimeSformer"},
      {"videomae.", "Hugging Face VideoMAE"},
      {"blocks.0.temporal_attn.", "the authors' TimeSformer"},
      {"blocks.0.attn.q_bias", "the authors' VideoMAE"},
      {"stem.0.weight", "torchvision VideoResNet"},
  };
  for (const auto& [mark, layout] : kMarks) {
    if (std::any_of(stored.begin(), stored.end(), [mark = mark](const WeightEntry& entry) {
          return absl::StrContains(entry.name, mark);
        })) {
      return std::string(layout);
    }
  }
  for (const WeightEntry& entry : stored) {
    if (absl::EndsWith(entry.name, "conv1.weight") && entry.shape.size() == 4) return "2-D ResNet";
  }
  return "unknown keys";
}

bool IsHeadKey(const std::string& name) { return StartsWithAny(name, kHeads); }

bool MayBeAbsent(const std::string& name) {
  return absl::EndsWith(name, "num_batches_tracked") || StartsWithAny(name, kOwnParts);
}

std::optional<int64_t> ClassesOfHead(const Entries& stored) {
  for (const absl::string_view head :
       {"classifier.weight", "cls_head.fc_cls.weight", "cls_head.fc_rgb.weight", "fc.weight"}) {
    for (const WeightEntry& entry : stored) {
      const bool found = entry.name == head || absl::EndsWith(entry.name, absl::StrCat(".", head));
      if (found && entry.shape.size() == 2) return entry.shape[0];
    }
  }
  return std::nullopt;
}

}  // namespace slimreel
