#include "data/prepare_summary.h"

#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace slimreel {
namespace {

std::string Counts(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ", name);
  }
  return text;
}

std::string LabelsLine(const PrepareSummary& summary) {
  if (summary.unlabelled_samples == 0) return "";
  if (summary.unlabelled_samples < summary.samples) {
    return absl::StrCat("labels:  none for ", summary.unlabelled_samples, " samples of ",
                        summary.unlabelled_videos, " videos\n");
  }
  return absl::StrCat("labels:  none (", summary.unlabelled_videos,
                      " videos). Labels are the names of the folders inside --input (one "
                      "folder with\n         a folder per class), or come from a list given as "
                      "--input or --annotations\n");
}

}  // namespace

std::string SummaryText(const PrepareOptions& options, const PrepareSummary& summary) {
  std::string text = absl::StrCat("videos:  ", Counts(summary.videos), "\n");
  if (summary.removed > 0) {
    absl::StrAppend(&text, "removed: ", summary.removed,
                    " videos that the earlier run had and --input no longer gives\n");
  }
  if (summary.away > 0) {
    absl::StrAppend(&text, "away:    ", summary.away,
                    " videos are missing now; what was prepared from them before stays\n");
  }
  if (summary.shortened_videos > 0) {
    absl::StrAppend(&text, "rests:   ", summary.left_out_frames, " frames left out at the ends of ",
                    summary.shortened_videos,
                    " videos: too few for a chunk (data.min_chunk_frames)\n");
  }
  if (!summary.reasons.empty()) {
    absl::StrAppend(&text, "reasons: ", Counts(summary.reasons), "\n");
  }
  absl::StrAppend(&text, "samples: ", summary.samples, " with ", summary.frames, " frames, ",
                  summary.classes.size(), " classes\n", LabelsLine(summary),
                  "shards:  ", summary.shards, " (", FormatBytes(summary.bytes), ") in ",
                  options.output, "\n", "memory:  ", FormatBytes(options.memory_bytes),
                  " for chunks; decoding threads: ", options.num_workers, "\n",
                  "report:  ", summary.report, "\n");
  return text;
}

}  // namespace slimreel
