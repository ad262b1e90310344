// The JSON form of bytes by tag and by phase, in RUN/memory.jsonl and RUN/summary.json.
//
// Threading: free functions.
#ifndef TRAINER_OBSERVERS_MEMORY_JSON_H_
#define TRAINER_OBSERVERS_MEMORY_JSON_H_

#include <nlohmann/json.hpp>

#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {

// False if all are zero: the device's allocator knows no tags.
bool AreKnown(const BytesByTag& bytes);

// {"parameters", "gradients", "optimizer", "activations", "input", "other"}, in bytes; null if they
// are not known.
nlohmann::ordered_json TagsToJson(const BytesByTag& bytes);

// {"train": {"peak_bytes", "by_tag"}, ...}, only phases in which something was allocated.
nlohmann::ordered_json PhasesToJson(const PeakByPhase& peaks);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_MEMORY_JSON_H_
