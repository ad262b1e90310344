#include "trainer/observers/memory_json.h"

#include <string>

namespace slimreel {

bool AreKnown(const BytesByTag& bytes) { return bytes != BytesByTag{}; }

nlohmann::ordered_json TagsToJson(const BytesByTag& bytes) {
  if (!AreKnown(bytes)) return nullptr;
  nlohmann::ordered_json json;
  for (const MemoryTag tag : kMemoryTagsInOrder)
    json[std::string(MemoryTagName(tag))] = At(bytes, tag);
  return json;
}

nlohmann::ordered_json PhasesToJson(const PeakByPhase& peaks) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const MemoryPhase phase : kMemoryPhases) {
    const MemoryPeak& peak = At(peaks, phase);
    if (peak.bytes == 0) continue;
    json[std::string(MemoryPhaseName(phase))] = {{"peak_bytes", peak.bytes},
                                                 {"by_tag", TagsToJson(peak.by_tag)}};
  }
  return json;
}

}  // namespace slimreel
