#include "data/pipeline/prepare_report.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/byte_text.h"
#include "base/status_macros.h"

namespace slimreel {

absl::StatusOr<ReportWriter> ReportWriter::Create(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  return ReportWriter(std::move(file));
}

absl::Status ReportWriter::Add(const ReportLine& line) {
  constexpr size_t kBufferBytes = 1 << 16;
  const VideoOutcome& outcome = line.outcome;
  const bool earlier = line.unchanged || line.removed;
  nlohmann::ordered_json json = {{"path", TextOfBytes(line.path)},
                                 {"status", line.removed     ? "removed"
                                            : line.unchanged ? "unchanged"
                                                             : outcome.status}};
  if (earlier) json["was"] = outcome.status;
  if (!outcome.reason.empty()) json["reason"] = outcome.reason;
  if (!outcome.message.empty()) json["message"] = TextOfBytes(outcome.message);
  json["frames"] = outcome.frames;
  json["frames_decoded"] = outcome.frames_decoded;
  if (outcome.left_out_frames > 0) json["left_out_frames"] = outcome.left_out_frames;
  json["chunks"] = outcome.chunks;
  json["seconds"] = earlier ? 0.0 : std::round(outcome.seconds * 1000) / 1000;
  if (line.label >= 0) json["label"] = line.label;
  pending_ += json.dump() + "\n";
  return pending_.size() < kBufferBytes ? absl::OkStatus() : WriteOut();
}

absl::Status ReportWriter::WriteOut() {
  return file_->Write(std::exchange(pending_, std::string()));
}

absl::Status ReportWriter::Commit() {
  SLIMREEL_RETURN_IF_ERROR(WriteOut());
  return file_->Commit();
}

}  // namespace slimreel
