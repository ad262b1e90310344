// Estimates the time of operations on a device that is not there, from what they compute and move.
// Pure functions of numbers.
//
// Source: Williams et al., "Roofline": the larger of arithmetic over peak rate and bytes over
// bandwidth. Neither peak is reached in practice, so a share of each is taken.
#ifndef MEMORY_PLANNER_ROOFLINE_H_
#define MEMORY_PLANNER_ROOFLINE_H_

#include <cstdint>

#include "memory/profile/chain_profile.h"

namespace slimreel {

struct Roofline {
  double flops_per_ms = 0.0;
  double bytes_per_ms = 0.0;
  double launch_ms = 0.01;  // of an operation's kernels, at least
};

// A share of the peaks that training steps reach (an assumption; no card was measured).
inline constexpr double kFlopsShare = 0.4;
inline constexpr double kBandwidthShare = 0.6;

// The roofline of a device of `tflops` and `bandwidth_gb_s`.
Roofline RooflineOf(double tflops, double bandwidth_gb_s);

// Replaces all times. An operation moves each block that it allocates twice (written and read) and
// its stage's parameters once. A backward pass computes and moves twice what its forward pass does.
// Blocks are rounded up to `block_bytes`, as the device's allocator does.
ChainProfile OnDevice(const ChainProfile& profile, const Roofline& roofline, int64_t block_bytes);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_ROOFLINE_H_
