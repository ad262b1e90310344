#include <array>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "configs/keys.h"

namespace slimreel {
namespace {

struct Technique {
  const char* name;
  bool AllowedTechniques::*field;
};
constexpr std::array<Technique, 9> kTechniques = {
    {{"checkpointing", &AllowedTechniques::checkpointing},
     {"lean", &AllowedTechniques::lean},
     {"split", &AllowedTechniques::split},
     {"offload", &AllowedTechniques::offload},
     {"release", &AllowedTechniques::release},
     {"paging", &AllowedTechniques::paging},
     {"precision", &AllowedTechniques::precision},
     {"fewer_frames", &AllowedTechniques::fewer_frames},
     {"smaller_images", &AllowedTechniques::smaller_images}}};

std::vector<std::string> TechniqueNames() {
  std::vector<std::string> names;
  for (const Technique& technique : kTechniques) names.push_back(technique.name);
  return names;
}

absl::Status SetAllowed(const YAML::Node& value, AllowedTechniques* allow) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParseTextList(value));
  AllowedTechniques result;
  for (const Technique& technique : kTechniques) result.*(technique.field) = false;
  const std::vector<std::string> known = TechniqueNames();
  for (const std::string& name : names) {
    const auto found = absl::c_find(known, name);
    if (found == known.end()) return NotAllowed(value, absl::StrJoin(known, ", "));
    result.*(kTechniques[found - known.begin()].field) = true;
  }
  *allow = result;
  return absl::OkStatus();
}

ConfigKey AllowKey(AllowedTechniques* allow) {
  return CustomKey(
      "memory.allow",
      absl::StrCat("a list of ", absl::StrJoin(TechniqueNames(), ", "), ", or none"),
      "Techniques that the planner may use; the last three change results",
      [allow](const YAML::Node& value) { return SetAllowed(value, allow); },
      [allow] {
        std::vector<std::string> names;
        for (const Technique& technique : kTechniques) {
          if (allow->*technique.field) names.push_back(technique.name);
        }
        return YamlList(names);
      },
      TechniqueNames());
}

bool IsScheduleWord(const std::string& word) {
  return word == "keep" || word == "checkpoint" || word == "lean";
}

absl::Status SetSchedule(const YAML::Node& value, std::string* schedule) {
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<std::string> given, ParseTextList(value));
  std::vector<std::string> words;
  for (const std::string& item : given) {
    for (absl::string_view word : absl::StrSplit(item, ' ', absl::SkipEmpty())) {
      words.emplace_back(word);
    }
  }
  int64_t every = 0;
  const bool single =
      words.size() == 1 &&
      (words[0] == "auto" || (absl::StartsWith(words[0], "every:") &&
                              absl::SimpleAtoi(words[0].substr(6), &every) && every >= 1));
  if (words.empty() || (!single && !absl::c_all_of(words, IsScheduleWord))) {
    return NotAllowed(value, "words of a schedule");
  }
  schedule->clear();
  for (const std::string& word : words) *schedule += (schedule->empty() ? "" : ",") + word;
  return absl::OkStatus();
}

ConfigKey ScheduleKey(std::string* schedule) {
  return CustomKey(
      "memory.schedule", "auto | keep | lean | checkpoint | every:N | one word per stage",
      "What the executor does with each stage; auto keeps all stages until a step does not fit",
      [schedule](const YAML::Node& value) { return SetSchedule(value, schedule); },
      [schedule] { return YamlText(*schedule); }, {"auto", "keep", "lean", "checkpoint"});
}

}  // namespace

std::vector<ConfigKey> MemoryKeys(MemoryOptions* memory) {
  std::vector<ConfigKey> keys;
  keys.push_back(
      BytesKey("memory.budget", &memory->budget,
               "Hard limit of tensor memory on the device; less if the machine leaves less. "
               "Without it, what the machine leaves is the limit"));
  keys.push_back(BytesKey("memory.host_budget", &memory->host_budget,
                          "Hard limit of loader buffers, queues and pinned memory; in prepare: of "
                          "decoders (estimated) and chunks"));
  keys.push_back(AllowKey(&memory->allow));
  keys.push_back(ScheduleKey(&memory->schedule));
  keys.push_back(
      EnumKey("memory.on_oom", &memory->on_oom, {"retry", "fail"},
              "If a training step runs out of memory: retry runs it again with every stage "
              "checkpointed, then with smaller micro-batches; fail ends the run with exit "
              "code 4"));
  keys.push_back(FloatKey("memory.gpu_threshold", &memory->gpu_threshold, {0, 1, true, false},
                          "Share of the device's memory ceiling above which to clean up and warn"));
  keys.push_back(FloatKey("memory.cpu_threshold", &memory->cpu_threshold, {0, 1, true, false},
                          "Share of the host's memory ceiling, taken by all processes, above which "
                          "to clean up and warn"));
  keys.push_back(FloatKey("memory.auto_cleanup_interval", &memory->auto_cleanup_interval_seconds,
                          Between(0.1, 86400),
                          "Most seconds between checks of the thresholds; fewer if little memory "
                          "is left"));
  keys.push_back(IntKey("memory.force_cleanup_every", &memory->force_cleanup_every, AtLeast(0),
                        "Steps between forced clean-ups; 0: never"));
  keys.push_back(BoolKey("memory.enable_monitoring", &memory->enable_monitoring,
                         "Watch memory on a thread of its own, also during a step, and write the "
                         "readings of logged steps to memory.jsonl"));
  for (ConfigKey& key : keys) key.KeepsResult();
  return keys;
}

}  // namespace slimreel
