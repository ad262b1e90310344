// What each operation of a chain does to memory, and how long it takes: the measured facts from
// which any schedule's peak is computed (replay.h). Plain data, no tensors.
//
// An operation is described by its own allocations and by the blocks of others that it lets go of.
// Who else holds a block is the schedule's business, so one description serves every schedule.
// Threading: values.
#ifndef MEMORY_PROFILE_CHAIN_PROFILE_H_
#define MEMORY_PROFILE_CHAIN_PROFILE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/executor/schedule.h"

namespace slimreel {

// Where a block that an operation touches comes from.
enum class BlockSpace : int8_t {
  kLocal,     // the operation allocates it; numbered in order of allocation
  kInput,     // storage of the stage's input tuple
  kSaved,     // what the stage's graph holds; numbered as OpTrace::saved of the forward pass
  kGradient,  // storage of the gradient tuple that a backward pass is given
  kExternal,  // not the step's: a parameter, a buffer, a constant
};

struct BlockRef {
  BlockSpace space = BlockSpace::kExternal;
  int32_t index = 0;
  friend bool operator==(const BlockRef&, const BlockRef&) = default;
};

struct TraceEvent {
  int64_t bytes = 0;  // > 0: the local block is allocated; 0: the operation lets go of the block
  BlockRef block;
  friend bool operator==(const TraceEvent&, const TraceEvent&) = default;
};

// One operation of one stage on one micro-batch.
struct OpTrace {
  std::vector<TraceEvent> events;
  // Storages of the tuple that the operation makes: of a forward pass the output, of a backward
  // pass the gradients of the input. Each storage once.
  std::vector<BlockRef> outputs;
  std::vector<BlockRef> saved;   // forward with grad: what the graph holds until backward
  std::vector<BlockRef> seeded;  // the loss: the gradient that backward starts from
  std::vector<BlockRef> learnt;  // backward: blocks that became parameters' gradients
  double ms = 0.0;
  friend bool operator==(const OpTrace&, const OpTrace&) = default;
};

// Index of the two kinds of visits, and of the two kinds of micro-batches, of a step.
inline constexpr int kFirst = 0;
inline constexpr int kLater = 1;
using TracePair = std::array<OpTrace, 2>;

// A stage, for one size of micro-batch. Forward passes: [first visit, later visits]. Backward
// passes: [first micro-batch, later ones], which differ because a first gradient is taken over and
// a later one is added.
struct StageProfile {
  bool has_lean = false;
  int64_t forward_flops = 0;          // of one forward pass; 0: not counted
  int64_t parameter_bytes = 0;        // that it reads
  std::vector<bool> output_can_wait;  // OneSlotEach of the output
  TracePair nograd;
  TracePair keep;
  TracePair lean;
  TracePair backward_keep;
  TracePair backward_lean;
  friend bool operator==(const StageProfile&, const StageProfile&) = default;
};

struct ChainProfile {
  std::vector<std::string> names;  // of the scheduled stages, with the loss
  int64_t micro_batch = 0;
  std::vector<int64_t> input_bytes;  // storages of the tuple that stage 0 of the chain is given
  std::vector<bool> input_can_wait;  // OneSlotEach of it
  // The frozen prefix runs without grad, outside of the schedule; only nograd[kFirst] is filled.
  std::vector<std::shared_ptr<const StageProfile>> prefix;
  std::vector<std::shared_ptr<const StageProfile>> stages;  // scheduled, the loss is the last
  // A step that releases (memory/executor/releasing_run.h). Backward passes differ where a stage
  // uses a parameter of a higher stage too: its gradient is made apart and added afterwards.
  // Elsewhere these are the entries of `stages`.
  std::vector<std::shared_ptr<const StageProfile>> releasing_stages;
  // Per scheduled stage, in the order of OpTrace::learnt of releasing_stages: the stage after whose
  // backward the gradient is used up.
  std::vector<std::vector<int>> released_after;
  // Bytes that lived after an operation and that no tuple, graph or gradient explains.
  int64_t unexplained_bytes = 0;
  double profile_ms = 0.0;  // time that measuring took
};

// The operation as it runs under a schedule.
const OpTrace& TraceOf(const StageProfile& stage, OpKind kind, int visit);

// The profile at `micro_batch` by a straight line through two measured ones of other sizes. A stage
// that allocates in another order at the two sizes has no line: then the blocks of the larger size
// grow with the micro-batch, except for gradients of parameters. Bytes are rounded up. None: the
// two are profiles of different chains.
std::optional<ChainProfile> Extrapolate(const ChainProfile& smaller, const ChainProfile& larger,
                                        int64_t micro_batch);

}  // namespace slimreel

#endif  // MEMORY_PROFILE_CHAIN_PROFILE_H_
