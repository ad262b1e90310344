// Options of the section `memory`. They do not need torch.
//
// A field has the name of the last part of its key. configs/memory_keys.cc reads and prints the
// fields.
#ifndef CONFIGS_MEMORY_OPTIONS_H_
#define CONFIGS_MEMORY_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace slimreel {

enum class OnOom { kRetry, kFail };

// memory.allow: the techniques that the planner may use. The first six do not change what is
// learnt and are allowed by default. The last three change it and must be listed.
struct AllowedTechniques {
  bool checkpointing = true;
  bool lean = true;
  bool split = true;
  bool offload = true;
  bool release = true;
  bool paging = true;
  bool precision = false;
  bool fewer_frames = false;
  bool smaller_images = false;
  friend bool operator==(const AllowedTechniques&, const AllowedTechniques&) = default;
};

struct MemoryOptions {
  std::optional<ByteSpec> budget;       // hard limit of tensor memory; none: what the machine has
  std::optional<ByteSpec> host_budget;  // the same for loader buffers, queues, pinned memory
  AllowedTechniques allow;
  // auto | keep | lean | checkpoint | every:N | one word per stage, comma-separated;
  // memory/executor/schedule.h reads it. Without a budget `auto` keeps everything.
  std::string schedule = "auto";
  OnOom on_oom = OnOom::kRetry;  // if a step runs out of memory: retry with a tighter plan, or fail
  double gpu_threshold = 0.85;   // share of the ceiling above which to clean up and warn; 0..1
  double cpu_threshold = 0.80;   // the same for host memory; 0..1
  double auto_cleanup_interval_seconds = 30.0;  // most seconds between checks; 0.1..86400
  int64_t force_cleanup_every = 0;              // steps; 0: never
  // A thread watches memory; the readings of logged steps go to memory.jsonl.
  bool enable_monitoring = true;
  friend bool operator==(const MemoryOptions&, const MemoryOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_MEMORY_OPTIONS_H_
