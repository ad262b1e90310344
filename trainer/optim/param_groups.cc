#include "trainer/optim/param_groups.h"

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_name.h"

namespace slimreel {
namespace {

// All keys, and each part of a key up to a dot: layer1, layer1.0, ...
std::vector<std::string> Prefixes(const std::vector<NamedTensor>& parameters) {
  std::set<std::string> prefixes;
  for (const NamedTensor& parameter : parameters) {
    const std::string& name = parameter.name;
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      prefixes.insert(name.substr(0, dot));
    }
    prefixes.insert(name);
  }
  return {prefixes.begin(), prefixes.end()};
}

// Whether the parameter is a table that is added to tokens, as a bias is.
bool IsPosition(absl::string_view key) {
  for (const char* ending :
       {"cls_token", "position_embeddings", "time_embeddings", "embed_positions.weight"}) {
    if (absl::EndsWith(key, ending)) return true;
  }
  return false;
}

absl::Status UnknownPrefixes(const std::set<std::string>& unknown,
                             const std::vector<NamedTensor>& parameters) {
  const std::vector<std::string> known = Prefixes(parameters);
  std::vector<std::string> mistakes;
  for (const std::string& prefix : unknown) {
    mistakes.push_back(absl::StrCat("\"", prefix, "\"", DidYouMean(prefix, known)));
  }
  std::set<std::string> first_parts;
  for (const std::string& name : known) first_parts.insert(name.substr(0, name.find('.')));
  return absl::InvalidArgumentError(absl::StrCat(
      "model.freeze: no parameter key starts with ", absl::StrJoin(mistakes, ", nor with "),
      "; the keys of this model start with: ", absl::StrJoin(first_parts, ", ")));
}

}  // namespace

absl::StatusOr<int64_t> FreezeParameters(const std::vector<NamedTensor>& parameters,
                                         const std::vector<std::string>& prefixes) {
  int64_t frozen = 0;
  std::set<std::string> unused(prefixes.begin(), prefixes.end());
  for (const NamedTensor& parameter : parameters) {
    bool freeze = false;
    for (const std::string& prefix : prefixes) {
      if (!absl::StartsWith(parameter.name, prefix)) continue;
      freeze = true;
      unused.erase(prefix);
    }
    at::Tensor tensor = parameter.tensor;
    tensor.set_requires_grad(!freeze);
    frozen += freeze ? 1 : 0;
  }
  if (!unused.empty()) return UnknownPrefixes(unused, parameters);
  if (frozen == static_cast<int64_t>(parameters.size())) {
    return absl::InvalidArgumentError(
        "model.freeze freezes every parameter, so nothing is left to train; remove a prefix");
  }
  return frozen;
}

std::vector<ParamGroup> MakeParamGroups(const std::vector<NamedTensor>& parameters,
                                        double weight_decay, bool no_decay_norm_and_bias,
                                        const std::vector<double>& lr_scales) {
  std::vector<ParamGroup> groups;
  std::map<std::pair<double, bool>, size_t> group_of;  // (rate, exempt from decay)
  for (size_t i = 0; i < parameters.size(); ++i) {
    const NamedTensor& parameter = parameters[i];
    if (!parameter.tensor.requires_grad()) continue;
    const bool exempt =
        no_decay_norm_and_bias && (parameter.tensor.dim() <= 1 || IsPosition(parameter.name));
    const double lr_scale = lr_scales.empty() ? 1.0 : lr_scales[i];
    const auto [entry, is_new] = group_of.try_emplace({lr_scale, exempt}, groups.size());
    if (is_new) {
      groups.push_back(
          {.parameters = {}, .weight_decay = exempt ? 0.0 : weight_decay, .lr_scale = lr_scale});
    }
    groups[entry->second].parameters.push_back(parameter);
  }
  return groups;
}

}  // namespace slimreel
