// The outcome of each video of the input, and what is made of the outcomes: counts, report, log
// and summary. Threading: one thread at a time.
#ifndef DATA_PIPELINE_PREPARE_OUTCOMES_H_
#define DATA_PIPELINE_PREPARE_OUTCOMES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/pipeline/prepare_inputs.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/prepare_result.h"
#include "data/pipeline/previous_results.h"
#include "data/shard/dataset_info.h"
#include "data/shard/sample_origin.h"

namespace slimreel {

class PrepareOutcomes {
 public:
  // Both must outlive the object.
  PrepareOutcomes(const CollectedInputs& inputs, const PreviousResults& previous)
      : inputs_(inputs), previous_(previous), states_(inputs.videos.size()) {}

  // Remembers the digests of the files that a decoded chunk was made of.
  void SetOrigin(size_t video, const SampleOrigin& origin);
  void Finish(size_t video, VideoOutcome outcome);
  // The outcome of an earlier preparation holds; nothing was decoded.
  void FinishUnchanged(size_t video);
  int64_t done() const { return done_; }

  LoggedVideo LogEntry(size_t video) const;
  // False only for a video that gave samples and whose outcome may differ in the next preparation
  // (IsPermanent): its samples are not reused. A video without samples is always logged, so that
  // the next preparation tries it again first.
  bool BelongsInLog(size_t video) const;
  // True if every outcome would be the same in another preparation.
  bool AllArePermanent() const;
  void CountVideos(SplitCounts* counts) const;
  // Reports the videos that are done. With `removed` (after publishing), also those that earlier
  // preparations had and that are not in the input now.
  absl::Status WriteReport(const std::string& path, bool removed) const;
  // Writes one line per video of the input; drops the lines of removed videos.
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
    uint64_t digest = 0, keypoint_digest = 0;     // of the files that were decoded
    std::unique_ptr<const VideoOutcome> outcome;  // null: unchanged, or not done
  };
  const VideoOutcome& OutcomeOf(size_t video) const {
    return states_[video].outcome ? *states_[video].outcome : previous_.OutcomeOf(video);
  }

  const CollectedInputs& inputs_;
  const PreviousResults& previous_;
  std::vector<State> states_;  // by video
  int64_t done_ = 0;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_OUTCOMES_H_
