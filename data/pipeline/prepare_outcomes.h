// How each video of an input stands at the end of a preparation, and all that is told of it:
// counts, report, log and summary. Threading: one thread at a time.
#ifndef DATA_PIPELINE_PREPARE_OUTCOMES_H_
#define DATA_PIPELINE_PREPARE_OUTCOMES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/prepare_inputs.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/prior_work.h"
#include "data/shard/dataset_info.h"
#include "data/shard/sample_origin.h"

namespace slimreel {

class PrepareOutcomes {
 public:
  // Both must outlive the object.
  PrepareOutcomes(const PreparedInputs& inputs, const PriorWork& prior)
      : inputs_(inputs), prior_(prior), states_(inputs.videos.size()) {}

  // Of a chunk that was decoded.
  void SetOrigin(size_t video, const SampleOrigin& origin);
  void Finish(size_t video, VideoOutcome outcome);
  // What an earlier run said of it holds; nothing was decoded.
  void FinishUnchanged(size_t video);
  int64_t done() const { return done_; }

  LoggedVideo LogEntry(size_t video) const;
  // Samples that a passing trouble cut short are not known again; that there is none is, to be
  // tried again first thing in the next run.
  bool IsWorthALine(size_t video) const;
  // No outcome is of a trouble that may pass.
  bool AllMayBeRemembered() const;
  void CountVideos(SplitCounts* counts) const;
  // Of the videos that are done; with `removed`, also of those that earlier runs had and this
  // one, which has published what it has, had not.
  absl::Status WriteReport(const std::string& path, bool removed) const;
  // One line for each video of the input; what was removed is forgotten.
  absl::Status RewriteLog(const std::string& path) const;
  // Without the report's path.
  PrepareSummary Summary(const SplitCounts& counts) const;
  // "none of 12 videos gave a sample: a.mp4: not_media; b.mp4: quality; ...", exit code 3.
  absl::Status NoSampleError(const std::vector<std::string>& inputs,
                             const std::string& report) const;

 private:
  struct State {
    bool done = false;
    bool unchanged = false;
    bool has_keypoints = false;
    uint64_t digest = 0, keypoint_digest = 0;     // of what was decoded
    std::unique_ptr<const VideoOutcome> outcome;  // null: unchanged, or not done
  };
  const VideoOutcome& OutcomeOf(size_t video) const {
    return states_[video].outcome ? *states_[video].outcome : prior_.OutcomeOf(video);
  }

  const PreparedInputs& inputs_;
  const PriorWork& prior_;
  std::vector<State> states_;  // by video
  int64_t done_ = 0;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_OUTCOMES_H_
