// What of an earlier run holds for the inputs of this one. Pure.
#ifndef DATA_PIPELINE_REUSE_PLAN_H_
#define DATA_PIPELINE_REUSE_PLAN_H_

#include <cstdint>
#include <vector>

#include "data/pipeline/run_state.h"

namespace slimreel {

// The shards that stay as they are: the longest run of full shards, from the
// first, whose samples are exactly those that a fresh run would put there.
struct Adoption {
  int64_t shards = 0;
  int64_t samples = 0;
  int64_t inputs = 0;       // whose samples all lie in these shards (or that have none)
  int64_t open_chunks = 0;  // chunks of the next input that lie there too
};
Adoption AdoptShards(const std::vector<InputRecord>& inputs, const RunState& state);

// True where the earlier run was complete and had these very inputs.
bool NothingChanged(const std::vector<InputRecord>& inputs, const RunState& state);

}  // namespace slimreel

#endif  // DATA_PIPELINE_REUSE_PLAN_H_
