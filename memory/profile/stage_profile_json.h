// Traces and stage profiles as JSON and back: exact bytes, exact times. Equal traces are written
// once, since most of a stage's ten traces repeat others.
//
// Threading: values; a TraceWriter belongs to one thread.
#ifndef MEMORY_PROFILE_STAGE_PROFILE_JSON_H_
#define MEMORY_PROFILE_STAGE_PROFILE_JSON_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "memory/profile/chain_profile.h"

namespace slimreel {

// The traces of one document. They are referred to by number.
class TraceWriter {
 public:
  // The number of the trace.
  int64_t Add(const OpTrace& trace);
  // The numbers of the two.
  nlohmann::json Add(const TracePair& pair);
  // All traces, by number.
  const nlohmann::json& traces() const { return traces_; }

 private:
  nlohmann::json traces_ = nlohmann::json::array();
  std::map<std::string, int64_t> numbers_;  // by the trace's text
};

nlohmann::json StageProfileToJson(const StageProfile& stage, TraceWriter& writer);

// The inverses. None if `json` is something else. `traces`: what TracesFromJson gave.
std::optional<std::vector<OpTrace>> TracesFromJson(const nlohmann::json& json);
std::optional<TracePair> TracePairFromJson(const nlohmann::json& json,
                                           const std::vector<OpTrace>& traces);
std::optional<StageProfile> StageProfileFromJson(const nlohmann::json& json,
                                                 const std::vector<OpTrace>& traces);

// Zeros and ones.
nlohmann::json BitsToJson(const std::vector<bool>& bits);

// The integers of the array `json`; none if it holds anything else.
std::optional<std::vector<int64_t>> IntegersFromJson(const nlohmann::json& json);
// The member of an object; null if `json` is no object or has no such member.
const nlohmann::json& MemberOf(const nlohmann::json& json, const char* name);

}  // namespace slimreel

#endif  // MEMORY_PROFILE_STAGE_PROFILE_JSON_H_
