#include "models/weights/tensor_match.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace slimreel {
namespace {

using Shape = std::vector<int64_t>;

constexpr size_t kShown = 10;

std::string ShapeText(const Shape& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

std::optional<TensorFit> FitOf(const std::string& name, Shape stored, const Shape& target,
                               const MatchRules& rules) {
  TensorFit fit;
  if (rules.inflate && stored.size() == 4 && target.size() == 5) {
    stored.insert(stored.begin() + 2, target[2]);
    fit.inflated = true;
  }
  const auto added = rules.widen.find(name);
  if (added != rules.widen.end() && stored.size() > 1 && stored != target) {
    stored[1] += added->second;
    fit.widened = true;
  }
  if (stored != target) return std::nullopt;
  return fit;
}

bool DiffersOnlyInClasses(Shape stored, const Shape& target) {
  if (stored.empty() || target.empty()) return false;
  stored[0] = target[0];
  return stored == target;
}

void AppendProblem(absl::string_view what, const std::vector<std::string>& lines,
                   std::string* text) {
  if (lines.empty()) return;
  absl::StrAppend(text, text->empty() ? "" : "\n", CountedLines(what, lines));
}

bool IsFloatingPoint(WeightType type) {
  return type == WeightType::kF64 || type == WeightType::kF32 || type == WeightType::kF16 ||
         type == WeightType::kBF16;
}

// Integers under the name of a weight are quantised, or something else; they are not its values.
bool TypeFits(WeightType stored, WeightType target, const MatchRules& rules) {
  if (rules.same_type) return stored == target;
  return IsFloatingPoint(stored) || !IsFloatingPoint(target);
}

// Matches a tensor of the model with the stored tensor of the same name.
void MatchOne(const WeightEntry& stored, const WeightEntry& target, TensorMatch match,
              const MatchRules& rules, TensorMatching* result) {
  const std::optional<TensorFit> fit = FitOf(target.name, stored.shape, target.shape, rules);
  if (!fit.has_value()) {
    if (rules.head.contains(target.name) && DiffersOnlyInClasses(stored.shape, target.shape)) {
      result->new_head.push_back(target.name);
    } else {
      result->wrong_shape.push_back(absl::StrCat(target.name, ": the file has ",
                                                 ShapeText(stored.shape), ", the model ",
                                                 ShapeText(target.shape)));
    }
  } else if (!TypeFits(stored.type, target.type, rules)) {
    result->wrong_type.push_back(
        absl::StrCat(target.name, ": the file has ", std::string(WeightTypeName(stored.type)),
                     ", the model ", std::string(WeightTypeName(target.type))));
  } else {
    match.fit = *fit;
    result->matches.push_back(match);
  }
}

void MatchAbsent(const WeightEntry& target, const MatchRules& rules, TensorMatching* result) {
  if (rules.head.contains(target.name)) {
    result->new_head.push_back(target.name);
  } else if (rules.may_be_absent && rules.may_be_absent(target.name)) {
    result->absent.push_back(target.name);
  } else {
    result->missing.push_back(absl::StrCat(target.name, " ", ShapeText(target.shape)));
  }
}

}  // namespace

std::string CountedLines(absl::string_view what, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = absl::StrCat("  ", what, ": ", lines.size());
  for (size_t i = 0; i < std::min(lines.size(), kShown); ++i) {
    absl::StrAppend(&text, "\n    ", lines[i]);
  }
  if (lines.size() > kShown) absl::StrAppend(&text, "\n    and ", lines.size() - kShown, " more");
  return text;
}

bool TensorMatching::fits() const {
  return missing.empty() && surplus.empty() && wrong_shape.empty() && wrong_type.empty() &&
         duplicates.empty();
}

std::string TensorMatching::Problems() const {
  std::string text;
  AppendProblem("missing in the file", missing, &text);
  AppendProblem("surplus in the file", surplus, &text);
  AppendProblem("of another shape", wrong_shape, &text);
  AppendProblem("of another dtype", wrong_type, &text);
  AppendProblem("twice under one name", duplicates, &text);
  return text;
}

TensorMatching MatchTensors(const std::vector<WeightEntry>& stored,
                            const std::vector<WeightEntry>& targets, const MatchRules& rules) {
  TensorMatching result;
  absl::flat_hash_map<std::string, size_t> by_name;
  for (size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].name.empty()) continue;
    if (!by_name.emplace(stored[i].name, i).second) result.duplicates.push_back(stored[i].name);
  }
  std::vector<bool> used(stored.size(), false);
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto found = by_name.find(targets[i].name);
    if (found == by_name.end()) {
      MatchAbsent(targets[i], rules, &result);
    } else if (used[found->second]) {
      result.duplicates.push_back(targets[i].name);
    } else {
      used[found->second] = true;
      MatchOne(stored[found->second], targets[i], {found->second, i, {}}, rules, &result);
    }
  }
  for (size_t i = 0; i < stored.size(); ++i) {
    if (used[i] || stored[i].name.empty()) continue;
    result.surplus.push_back(absl::StrCat(stored[i].name, " ", ShapeText(stored[i].shape)));
  }
  // In the file's order, so the disk is read forwards.
  std::sort(result.matches.begin(), result.matches.end(),
            [](const TensorMatch& a, const TensorMatch& b) { return a.stored < b.stored; });
  return result;
}

}  // namespace slimreel
