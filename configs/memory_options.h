// Options of the section `memory`. Free of torch.
//
// The field is the last part of the key; the table in configs/memory_keys.cc
// reads and prints them.
#ifndef CONFIGS_MEMORY_OPTIONS_H_
#define CONFIGS_MEMORY_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace slimreel {

enum class OnOom { kRetry, kFail };

// memory.allow: what the planner may use. The first four never change what is
// learnt and are allowed by default; the last three do, and need to be listed.
struct AllowedTechniques {
  bool checkpointing = true;
  bool lean = true;
  bool split = true;
  bool offload = true;
  bool precision = false;
  bool fewer_frames = false;
  bool smaller_images = false;
  friend bool operator==(const AllowedTechniques&, const AllowedTechniques&) = default;
};

struct MemoryOptions {
  std::optional<ByteSpec> budget;       // hard ceiling of device memory; none: nothing is enforced
  std::optional<ByteSpec> host_budget;  // likewise of loader buffers, queues, pinned memory
  AllowedTechniques allow;
  // auto | keep | lean | checkpoint | every:N | one word per stage, comma-separated;
  // memory/executor/schedule.h reads it. `auto` keeps all without a budget.
  std::string schedule = "auto";
  OnOom on_oom = OnOom::kRetry;  // a step out of memory: retry it by exact means, or fail
  double gpu_threshold = 0.85;   // share of the ceiling; above: clean up and warn; 0..1
  double cpu_threshold = 0.80;   // likewise of host memory; 0..1
  double auto_cleanup_interval_seconds = 30.0;  // 0.1..86400
  int64_t force_cleanup_every = 0;              // steps; 0: never
  bool enable_monitoring = true;                // memory readings of logged steps into memory.jsonl
  friend bool operator==(const MemoryOptions&, const MemoryOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_MEMORY_OPTIONS_H_
