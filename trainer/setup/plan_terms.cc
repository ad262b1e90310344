#include "trainer/setup/plan_terms.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

constexpr int64_t kSameCeiling = 100;  // a change of 1/100 or less counts as none

bool DecidesPlan(const std::string& key) {
  return absl::StartsWith(key, "memory.") || key == "data.batch_size" ||
         key == "model.use_gradient_checkpointing";
}

// A value as YAML, without quotes around it: earlier versions wrote quotes around lists of words.
std::string Unquoted(const std::string& yaml) {
  const bool quoted = yaml.size() >= 2 && yaml.front() == '"' && yaml.back() == '"';
  return quoted ? yaml.substr(1, yaml.size() - 2) : yaml;
}

bool IsOtherCeiling(int64_t before, int64_t now) {
  if (before == 0 || now == 0) return false;
  return std::abs(now - before) > std::max(before, now) / kSameCeiling;
}

}  // namespace

std::map<std::string, std::string> PlanKeys(const Config& config) {
  Config copy = config;
  std::map<std::string, std::string> keys;
  for (const ConfigKey& key : AllKeys(&copy)) {
    if (DecidesPlan(key.name)) keys[key.name] = key.get();
  }
  return keys;
}

std::vector<std::string> ChangedTerms(const PlanTerms& made_under, const PlanTerms& now) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : now.keys) {
    const auto before = made_under.keys.find(key);
    if (before == made_under.keys.end() || Unquoted(before->second) == Unquoted(value)) continue;
    lines.push_back(absl::StrCat(key, ": ", before->second, " -> ", value));
  }
  if (IsOtherCeiling(made_under.ceiling_bytes, now.ceiling_bytes)) {
    lines.push_back(absl::StrCat("memory ceiling: ", FormatBytes(made_under.ceiling_bytes), " -> ",
                                 FormatBytes(now.ceiling_bytes)));
  }
  if (made_under.num_stages != 0 && made_under.num_stages != now.num_stages) {
    lines.push_back(
        absl::StrCat("stages that learn: ", made_under.num_stages, " -> ", now.num_stages));
  }
  return lines;
}

}  // namespace slimreel
