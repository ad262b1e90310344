// What a preparation reports when it ends well. Plain values.
#ifndef DATA_PIPELINE_PREPARE_RESULT_H_
#define DATA_PIPELINE_PREPARE_RESULT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace slimreel {

struct PrepareSummary {
  std::map<std::string, int64_t> videos;   // by status: ok, partial, rejected, unchanged
  std::map<std::string, int64_t> reasons;  // of partial and rejected videos
  std::vector<std::string> classes;
  std::vector<std::string> warnings;
  // Videos, by path, that an earlier preparation put into this split and that are not in the
  // input now. Their samples are no longer in the split.
  int64_t removed = 0;
  // Videos that a list names and whose files are missing now. Their earlier samples are kept.
  int64_t away = 0;
  int64_t shortened_videos = 0;  // videos whose last frames were too few for a chunk
  int64_t left_out_frames = 0;   // number of those frames (data.min_chunk_frames)
  int64_t samples = 0;
  int64_t unlabelled_samples = 0;
  int64_t unlabelled_videos = 0;  // videos of the unlabelled samples
  int64_t frames = 0;
  int64_t shards = 0;
  int64_t bytes = 0;
  std::string report;  // path
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_RESULT_H_
