#include "data/pipeline/prepare_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"

namespace slimreel {

absl::Status WriteReport(const std::string& path, const std::vector<ReportLine>& lines) {
  std::string text;
  for (const ReportLine& line : lines) {
    const VideoOutcome& outcome = line.input.outcome;
    const bool earlier = line.unchanged || line.removed;
    nlohmann::ordered_json json = {{"path", line.input.path},
                                   {"status", line.removed     ? "removed"
                                              : line.unchanged ? "unchanged"
                                                               : outcome.status}};
    if (earlier) json["was"] = outcome.status;
    if (!outcome.reason.empty()) json["reason"] = outcome.reason;
    if (!outcome.message.empty()) json["message"] = outcome.message;
    json["frames"] = outcome.frames;
    json["frames_decoded"] = outcome.frames_decoded;
    json["chunks"] = outcome.chunks;
    json["seconds"] = earlier ? 0.0 : std::round(outcome.seconds * 1000) / 1000;
    if (line.input.label >= 0) json["label"] = line.input.label;
    text += json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  return WriteFileAtomically(path, text);
}

}  // namespace slimreel
