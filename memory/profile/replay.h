// Computes the memory of a training step from a profile, by replaying the allocations of a
// schedule. Pure functions of numbers: exact bytes, no tensor.
//
// Under the conditions of the profile (device, threads, kernels, shapes) the result equals what
// the executor allocates to the byte.
#ifndef MEMORY_PROFILE_REPLAY_H_
#define MEMORY_PROFILE_REPLAY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "memory/executor/schedule.h"
#include "memory/profile/chain_profile.h"

namespace slimreel {

// A step of one micro-batch that updates parameters while it goes backward.
struct ReleaseBytes {
  int64_t reserve = 0;  // held before the step; the first update frees it
  int64_t norm = 0;     // of the norm of each gradient, which lives from its update on
};

// How long the chain's inputs of a micro-batch count.
enum class InputLife {
  kElsewhere,    // not at all: they live outside of the step
  kMicroBatch,   // until the micro-batch ends: it is read where the loader wrote it
  kUntilUnused,  // the run is given them and lets go of them as soon as it can: device copies
};

struct ReplayOptions {
  InputLife inputs = InputLife::kElsewhere;
  bool offload_inputs = false;  // as Plan's, with a block of the host that is large enough
  std::optional<ReleaseBytes> release{};  // none: gradients live to the end of the step
};

// Where a step's peak lies and what it consists of. Bytes above what lived before the step.
struct ReplayPeak {
  int64_t bytes = 0;            // all of it
  int64_t gradient_bytes = 0;   // of it: gradients of parameters
  int64_t input_bytes = 0;      // of it: inputs of the micro-batch
  int64_t update_bytes = 0;     // of it: norms of released gradients, less the reserve
  int64_t offloaded_bytes = 0;  // the most that waited on the host, at any time of the step
  size_t micro_batch = 0;       // number of the micro-batch at the peak
  size_t operation = 0;         // position in the schedule
  double ms = 0.0;              // time of all operations of the step
};

// One forward and backward pass over the micro-batches, in order, each under `schedule`.
// `profiles`: one per micro-batch; they may repeat. The schedule must be valid for the chain.
ReplayPeak ReplayStep(const Schedule& schedule, const std::vector<const ChainProfile*>& profiles,
                      const ReplayOptions& options = {});

// Live bytes above what lived before the step, after each event of the step, in order.
// `at`: called with (micro-batch, operation, live bytes).
void ReplayStep(const Schedule& schedule, const std::vector<const ChainProfile*>& profiles,
                const ReplayOptions& options,
                const std::function<void(size_t, size_t, int64_t)>& at);

// The peak of a forward pass without grad over the prefix and all stages but the loss.
int64_t ReplayForward(const ChainProfile& profile, const ReplayOptions& options = {});

}  // namespace slimreel

#endif  // MEMORY_PROFILE_REPLAY_H_
