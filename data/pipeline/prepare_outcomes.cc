#include "data/pipeline/prepare_outcomes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/status_macros.h"
#include "data/pipeline/prepare_report.h"

namespace slimreel {

void PrepareOutcomes::SetOrigin(size_t video, const SampleOrigin& origin) {
  State& state = states_[video];
  state.digest = origin.video.digest;
  state.keypoint_digest = origin.keypoints.digest;
  state.has_keypoints = origin.keypoints.size_bytes >= 0;
}

void PrepareOutcomes::Finish(size_t video, VideoOutcome outcome) {
  states_[video].done = true;
  states_[video].outcome = std::make_unique<const VideoOutcome>(std::move(outcome));
  ++done_;
}

void PrepareOutcomes::FinishUnchanged(size_t video) {
  State& state = states_[video];
  state.done = state.unchanged = true;
  ++done_;
  const ReusePlan& plan = previous_.plan();
  if (plan.num_samples(video) == 0) return;
  const SampleRef at = plan.samples[static_cast<size_t>(plan.first[video])];
  const SampleOrigin origin = previous_.file(at.shard).index().sample(at.sample).origin;
  state.has_keypoints = origin.keypoints.size_bytes >= 0;
}

LoggedVideo PrepareOutcomes::LogEntry(size_t video) const {
  const State& state = states_[video];
  if (state.unchanged) return previous_.LogEntry(video);
  const SourceFiles& source = inputs_.videos[video].source;
  return {source.path,          inputs_.recipe,        source.stat,     state.digest,
          source.keypoint_stat, state.keypoint_digest, OutcomeOf(video)};
}

bool PrepareOutcomes::BelongsInLog(size_t video) const {
  return OutcomeOf(video).chunks == 0 || IsPermanent(OutcomeOf(video));
}

bool PrepareOutcomes::AllArePermanent() const {
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!IsPermanent(OutcomeOf(i))) return false;
  }
  return true;
}

void PrepareOutcomes::CountVideos(SplitCounts* counts) const {
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!states_[i].done || OutcomeOf(i).chunks == 0) continue;
    ++counts->videos;
    if (states_[i].has_keypoints) ++counts->keypoint_videos;
  }
}

absl::Status PrepareOutcomes::WriteReport(const std::string& path, bool removed) const {
  SLIMREEL_ASSIGN_OR_RETURN(ReportWriter report, ReportWriter::Create(path));
  for (size_t i = 0; i < states_.size(); ++i) {
    const State& state = states_[i];
    if (!state.done) continue;
    const SourceVideo& video = inputs_.videos[i];
    SLIMREEL_RETURN_IF_ERROR(
        report.Add({video.source.path, OutcomeOf(i), video.label, state.unchanged, false}));
  }
  for (size_t i = 0; removed && i < previous_.removed().size(); ++i) {
    const LoggedVideo& video = previous_.removed()[i];
    SLIMREEL_RETURN_IF_ERROR(report.Add({video.path, video.outcome, -1, false, true}));
  }
  return report.Commit();
}

absl::Status PrepareOutcomes::RewriteLog(const std::string& path) const {
  SLIMREEL_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
  std::string text;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (!BelongsInLog(i) || previous_.IsMissing(i)) continue;
    text += LogLine(LogEntry(i));
    if (text.size() > 1 << 16) {
      SLIMREEL_RETURN_IF_ERROR(file->Write(std::exchange(text, std::string())));
    }
  }
  SLIMREEL_RETURN_IF_ERROR(file->Write(text));
  return file->Commit();
}

PrepareSummary PrepareOutcomes::Summary(const SplitCounts& counts) const {
  PrepareSummary summary;
  summary.classes = inputs_.info.classes;
  summary.warnings = inputs_.warnings;
  summary.removed = static_cast<int64_t>(previous_.removed().size());
  summary.samples = counts.samples;
  summary.frames = counts.frames;
  summary.shards = counts.shards;
  summary.bytes = counts.bytes;
  for (size_t i = 0; i < states_.size(); ++i) {
    const VideoOutcome& outcome = OutcomeOf(i);
    ++summary.videos[states_[i].unchanged ? "unchanged" : outcome.status];
    if (!outcome.reason.empty()) ++summary.reasons[outcome.reason];
    if (previous_.IsMissing(i)) ++summary.away;
    if (outcome.left_out_frames > 0) ++summary.shortened_videos;
    summary.left_out_frames += outcome.left_out_frames;
    if (inputs_.videos[i].label >= 0 || outcome.chunks == 0) continue;
    ++summary.unlabelled_videos;
    summary.unlabelled_samples += outcome.chunks;
  }
  return summary;
}

absl::Status PrepareOutcomes::NoSampleError(const std::vector<std::string>& inputs,
                                            const std::string& report) const {
  constexpr size_t kShown = 3;
  const std::vector<SourceVideo>& videos = inputs_.videos;
  std::string why = absl::StrCat("no videos found in ", absl::StrJoin(inputs, ", "));
  if (!videos.empty()) {
    why = absl::StrCat("none of ", videos.size(), " videos gave a sample: ");
    for (size_t i = 0; i < std::min(kShown, videos.size()); ++i) {
      absl::StrAppend(&why, i == 0 ? "" : "; ", videos[i].source.path, ": ", OutcomeOf(i).reason);
    }
    if (videos.size() > kShown) absl::StrAppend(&why, "; and ", videos.size() - kShown, " more");
    absl::StrAppend(&why, ". All reasons are in ", report);
  }
  return WithExitCode(absl::FailedPreconditionError(why), ExitCode::kDataUnusable);
}

}  // namespace slimreel
