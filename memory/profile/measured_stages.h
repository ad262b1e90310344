// What the profiler measured of the stages of a chain, and where it may ask for what was measured
// before. Plain data and an interface.
//
// Threading: values; a ProfileCache belongs to one thread.
#ifndef MEMORY_PROFILE_MEASURED_STAGES_H_
#define MEMORY_PROFILE_MEASURED_STAGES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "memory/profile/chain_profile.h"
#include "memory/profile/tuple_layout.h"

namespace slimreel {

// What a stage's forward pass without grad gives.
struct MeasuredForward {
  TracePair nograd;
  TupleLayout output;
  std::vector<bool> output_needs_gradient;
};

// What a stage's passes with a graph give.
struct MeasuredPasses {
  std::shared_ptr<const StageProfile> profile;
  TupleLayout input_gradient;
  int64_t unexplained_bytes = 0;  // of ChainProfile
};

// By keys of the profiler, equal for stages that do the same work.
struct MeasuredStages {
  std::map<std::string, MeasuredForward> forwards;
  std::map<std::string, MeasuredPasses> passes;
};

nlohmann::json MeasuredStagesToJson(const MeasuredStages& stages);
// None if `json` is something else.
std::optional<MeasuredStages> MeasuredStagesFromJson(const nlohmann::json& json);

// Keeps what was measured, under keys that say under which conditions.
class ProfileCache {
 public:
  virtual ~ProfileCache() = default;
  // What Store was given last under this key. Empty if nothing was, or if it is lost.
  virtual MeasuredStages Load(const std::string& key) = 0;
  // `stages`: what Load gave, and more.
  virtual void Store(const std::string& key, const MeasuredStages& stages) = 0;
};

}  // namespace slimreel

#endif  // MEMORY_PROFILE_MEASURED_STAGES_H_
