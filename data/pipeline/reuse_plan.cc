#include "data/pipeline/reuse_plan.h"

#include <algorithm>
#include <map>
#include <string>

#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

class Walk {
 public:
  Walk(const std::vector<InputRecord>& inputs, const RunState& state) : inputs_(inputs) {
    for (const InputRecord& record : state.finished) finished_[record.path] = &record;
  }

  // Goes over one shard's samples; false, and nothing is gone over, where one differs.
  bool Take(const ShardRecord& shard) {
    const Adoption before = at_;
    for (const std::string& key : shard.keys) {
      PassFinished();
      if (!Follows(shard, key)) {
        at_ = before;
        return false;
      }
      ++at_.open_chunks;
      ++at_.samples;
    }
    ++at_.shards;
    return true;
  }

  Adoption End() {
    PassFinished();
    return at_;
  }

 private:
  const InputRecord* Finished(int64_t input) const {
    const auto found = finished_.find(inputs_[input].path);
    return found != finished_.end() && found->second->SameSamples(inputs_[input]) ? found->second
                                                                                  : nullptr;
  }

  // Past inputs of which every chunk was gone over.
  void PassFinished() {
    while (at_.inputs < static_cast<int64_t>(inputs_.size())) {
      const InputRecord* finished = Finished(at_.inputs);
      if (finished == nullptr || finished->outcome.chunks != at_.open_chunks) return;
      ++at_.inputs;
      at_.open_chunks = 0;
    }
  }

  bool Follows(const ShardRecord& shard, const std::string& key) const {
    if (at_.inputs == static_cast<int64_t>(inputs_.size())) return false;
    const InputRecord& input = inputs_[at_.inputs];
    const bool known = Finished(at_.inputs) != nullptr ||
                       (shard.open_input && shard.open_input->SameSamples(input));
    return known && key == SampleKey(input.key, at_.open_chunks);
  }

  const std::vector<InputRecord>& inputs_;
  std::map<std::string, const InputRecord*> finished_;
  Adoption at_;
};

}  // namespace

Adoption AdoptShards(const std::vector<InputRecord>& inputs, const RunState& state) {
  Walk walk(inputs, state);
  for (const ShardRecord& shard : state.shards) {
    if (shard.closed_by_end || !walk.Take(shard)) break;
  }
  return walk.End();
}

bool NothingChanged(const std::vector<InputRecord>& inputs, const RunState& state) {
  return state.complete &&
         std::equal(
             inputs.begin(), inputs.end(), state.finished.begin(), state.finished.end(),
             [](const InputRecord& now, const InputRecord& then) { return then.SameSamples(now); });
}

}  // namespace slimreel
