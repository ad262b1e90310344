// Computes the memory of a training step from a profile, by replaying the allocations of a
// schedule. Pure functions of numbers: exact bytes, no tensor.
//
// Under the conditions of the profile (device, threads, kernels, shapes) the result equals what
// the executor allocates to the byte.
#ifndef MEMORY_PROFILE_REPLAY_H_
#define MEMORY_PROFILE_REPLAY_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "memory/executor/schedule.h"
#include "memory/profile/chain_profile.h"

namespace slimreel {

struct ReplayOptions {
  // True: the chain's inputs live outside of the run and are counted elsewhere (a batch in host
  // memory). False: the run is given them and lets go of them as soon as it can (device copies).
  bool inputs_counted_elsewhere = true;
};

// Where a step's peak lies and what it consists of. Bytes above what lived before the step.
struct ReplayPeak {
  int64_t bytes = 0;           // all of it
  int64_t gradient_bytes = 0;  // of it: gradients of parameters
  int64_t input_bytes = 0;     // of it: inputs that the run was given
  size_t micro_batch = 0;      // number of the micro-batch at the peak
  size_t operation = 0;        // position in the schedule
  double ms = 0.0;             // time of all operations of the step
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
