#include "memory/planner/stage_costs.h"

#include <algorithm>
#include <cstdint>

namespace slimreel {
namespace {

// Bytes of the blocks that an operation allocates, by number.
std::vector<int64_t> LocalBytes(const OpTrace& trace) {
  std::vector<int64_t> bytes;
  for (const TraceEvent& event : trace.events) {
    if (event.bytes > 0) bytes.push_back(event.bytes);
  }
  return bytes;
}

bool Contains(const std::vector<BlockRef>& blocks, const BlockRef& block) {
  return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
}

// Highest sum of the blocks that the operation allocates and still holds.
int64_t LocalPeak(const OpTrace& trace) {
  const std::vector<int64_t> bytes = LocalBytes(trace);
  int64_t live = 0, peak = 0;
  for (const TraceEvent& event : trace.events) {
    if (event.bytes > 0) {
      live += event.bytes;
      peak = std::max(peak, live);
    } else if (event.block.space == BlockSpace::kLocal) {
      live -= bytes[event.block.index];
    }
  }
  return peak;
}

int64_t OutputBytes(const OpTrace& trace) {
  const std::vector<int64_t> bytes = LocalBytes(trace);
  int64_t sum = 0;
  for (const BlockRef& block : trace.outputs) {
    if (block.space == BlockSpace::kLocal) sum += bytes[block.index];
  }
  return sum;
}

// What the graph holds besides input and output.
int64_t SavedBytes(const OpTrace& trace) {
  const std::vector<int64_t> bytes = LocalBytes(trace);
  int64_t sum = 0;
  for (const BlockRef& block : trace.saved) {
    if (block.space == BlockSpace::kLocal && !Contains(trace.outputs, block)) {
      sum += bytes[block.index];
    }
  }
  return sum;
}

// Storages of the gradient of the input tuple. `given`: those of the gradient of the output.
std::vector<int64_t> InputGradients(const OpTrace& backward, const std::vector<int64_t>& given) {
  const std::vector<int64_t> bytes = LocalBytes(backward);
  std::vector<int64_t> storages;
  for (const BlockRef& block : backward.outputs) {
    const bool local = block.space == BlockSpace::kLocal;
    const bool handed_on = block.space == BlockSpace::kGradient;
    storages.push_back(local ? bytes[block.index] : handed_on ? given[block.index] : 0);
  }
  return storages;
}

int64_t Sum(const std::vector<int64_t>& numbers) {
  int64_t sum = 0;
  for (int64_t number : numbers) sum += number;
  return sum;
}

// The peak of a backward pass above the larger of what it starts and what it ends with, while the
// stage's input stays (StageCosts).
int64_t BackwardTransient(const OpTrace& forward, const OpTrace& backward,
                          const std::vector<int64_t>& given, int64_t output_bytes) {
  const std::vector<int64_t> forward_bytes = LocalBytes(forward);
  const std::vector<int64_t> bytes = LocalBytes(backward);
  std::vector<int64_t> saved;
  for (const BlockRef& block : forward.saved) {
    saved.push_back(block.space == BlockSpace::kLocal ? forward_bytes[block.index] : 0);
  }
  int64_t live = Sum(saved) + Sum(given);
  int64_t peak = live;
  for (const TraceEvent& event : backward.events) {
    if (event.bytes > 0) {
      live += event.bytes;
    } else if (event.block.space == BlockSpace::kLocal) {
      live -= bytes[event.block.index];
    } else if (event.block.space == BlockSpace::kSaved) {
      live -= saved[event.block.index];
    } else if (event.block.space == BlockSpace::kGradient) {
      live -= given[event.block.index];
    }
    peak = std::max(peak, live);
  }
  const int64_t start = output_bytes + SavedBytes(forward) + Sum(given);
  return peak - std::max(start, Sum(InputGradients(backward, given)));
}

// The storages that stage `i` makes and that later stages hand on, with their last reader.
std::vector<HandedOn> FindHandedOn(const ChainProfile& profile, size_t i) {
  const auto outputs_of = [&](size_t stage) -> const std::vector<BlockRef>& {
    const StageProfile& at = *profile.stages[stage];
    return at.keep[kFirst].outputs;
  };
  const std::vector<int64_t> bytes = LocalBytes(profile.stages[i]->keep[kFirst]);
  std::vector<HandedOn> result;
  for (size_t n = 0; n < outputs_of(i).size(); ++n) {
    if (outputs_of(i)[n].space != BlockSpace::kLocal) continue;
    HandedOn storage{bytes[outputs_of(i)[n].index], static_cast<int>(i) + 1};
    auto place = static_cast<int32_t>(n);
    for (size_t stage = i + 1; stage + 1 < profile.stages.size(); ++stage) {
      const std::vector<BlockRef>& out = outputs_of(stage);
      const auto found = std::find(out.begin(), out.end(), BlockRef{BlockSpace::kInput, place});
      if (found == out.end()) break;
      place = static_cast<int32_t>(found - out.begin());
      storage.last_reader = static_cast<int>(stage) + 1;
    }
    if (storage.last_reader > static_cast<int>(i) + 1) result.push_back(storage);
  }
  return result;
}

}  // namespace

std::vector<StageCosts> CostsOf(const ChainProfile& profile, bool with_lean) {
  std::vector<StageCosts> all(profile.stages.size());
  std::vector<int64_t> given;  // storages of the gradient of the stage's output
  for (size_t i = profile.stages.size(); i-- > 0;) {
    const StageProfile& stage = *profile.stages[i];
    StageCosts& costs = all[i];
    const OpTrace& keep = stage.keep[kFirst];
    const OpTrace& backward = stage.backward_keep[kLater];
    const bool is_loss = i + 1 == profile.stages.size();
    if (is_loss) {
      for (const BlockRef& block : keep.seeded) given.push_back(LocalBytes(keep)[block.index]);
    }
    costs.output_bytes = OutputBytes(keep);
    costs.keep_bytes = SavedBytes(keep);
    costs.keep_transient_bytes = LocalPeak(keep) - costs.output_bytes - costs.keep_bytes;
    costs.keep_ms = keep.ms;
    costs.backward_transient_bytes = BackwardTransient(keep, backward, given, costs.output_bytes);
    costs.backward_ms = backward.ms;
    costs.forward_transient_bytes = LocalPeak(stage.nograd[kFirst]) - costs.output_bytes;
    costs.forward_ms = stage.nograd[kFirst].ms;
    costs.handed_on = FindHandedOn(profile, i);
    if (stage.has_lean && with_lean) {
      const OpTrace& lean = stage.lean[kFirst];
      costs.lean_bytes = SavedBytes(lean);
      costs.lean_transient_bytes = LocalPeak(lean) - costs.output_bytes - costs.lean_bytes;
      costs.lean_ms = lean.ms;
      costs.lean_backward_transient_bytes =
          BackwardTransient(lean, stage.backward_lean[kLater], given, costs.output_bytes);
      costs.lean_backward_ms = stage.backward_lean[kLater].ms;
    }
    given = InputGradients(backward, given);
    costs.gradient_bytes = Sum(given);
  }
  return all;
}

std::vector<StageCosts> WithFixedTimes(std::vector<StageCosts> costs) {
  for (StageCosts& stage : costs) {
    stage.forward_ms = stage.keep_ms = stage.lean_ms = 1.0;
    stage.backward_ms = stage.lean_backward_ms = 2.0;
  }
  return costs;
}

}  // namespace slimreel
