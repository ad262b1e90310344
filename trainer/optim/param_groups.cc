#include "trainer/optim/param_groups.h"

#include <cstdint>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace slimreel {
namespace {

std::string FirstParts(const std::vector<NamedTensor>& parameters) {
  std::set<std::string> parts;
  for (const NamedTensor& parameter : parameters) {
    parts.insert(parameter.name.substr(0, parameter.name.find('.')));
  }
  return absl::StrJoin(parts, ", ");
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
  if (!unused.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model.freeze: no parameter key starts with \"", absl::StrJoin(unused, "\", \""),
        "\"; the keys of this model start with: ", FirstParts(parameters)));
  }
  if (frozen == static_cast<int64_t>(parameters.size())) {
    return absl::InvalidArgumentError(
        "model.freeze freezes every parameter, so nothing is left to train; leave one out");
  }
  return frozen;
}

std::vector<ParamGroup> MakeParamGroups(const std::vector<NamedTensor>& parameters,
                                        double weight_decay, bool no_decay_norm_and_bias) {
  ParamGroup decayed{.parameters = {}, .weight_decay = weight_decay, .lr_scale = 1.0};
  ParamGroup plain{.parameters = {}, .weight_decay = 0.0, .lr_scale = 1.0};
  for (const NamedTensor& parameter : parameters) {
    if (!parameter.tensor.requires_grad()) continue;
    const bool exempt = no_decay_norm_and_bias && parameter.tensor.dim() <= 1;
    (exempt ? plain : decayed).parameters.push_back(parameter);
  }
  std::vector<ParamGroup> groups;
  if (!decayed.parameters.empty()) groups.push_back(std::move(decayed));
  if (!plain.parameters.empty()) groups.push_back(std::move(plain));
  return groups;
}

}  // namespace slimreel
