// Videos in, shards out: lists the inputs, decodes and cuts them on worker
// threads, writes shards in the order of the inputs, and keeps what an earlier
// run has done already. See README.md.
//
// Threading: one call per folder and split
// at a time (a lock refuses a second one).
#ifndef DATA_PIPELINE_PREPARE_H_
#define DATA_PIPELINE_PREPARE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "configs/data_options.h"

namespace slimreel {

struct PrepareProgress {
  int64_t inputs_done = 0;
  int64_t inputs = 0;
  int64_t frames = 0;
};

struct PrepareOptions {
  std::vector<std::string> inputs;  // folders, lists, videos (data/annotations/input_list.h)
  std::string annotations;          // empty: none
  std::string output;
  std::string split = "train";
  int part = 0;  // 1..num_parts; 0: the whole
  int num_parts = 0;
  // Takes the place of this split in another division; else that is refused.
  bool replace_division = false;
  int num_workers = 1;  // decoding threads; does not change a byte of the result
  // For chunks that are being made or wait to be written, beside what decoders hold
  // (prepare_sizing.h); longer chunks go to unnamed files in `output`. Does not change a
  // byte of the result.
  int64_t memory_bytes = int64_t{1} << 30;
  // Of one decoded picture, and of a keypoint file; larger ones reject the video. 0: any.
  int64_t max_picture_bytes = 0;
  DataOptions data;
  std::function<bool()> interrupted;  // may be empty; from any thread
  std::function<void(const PrepareProgress&)>
      on_progress;  // may be empty; from the caller's thread
};

struct PrepareSummary {
  std::map<std::string, int64_t> videos;   // by status: ok, partial, rejected, unchanged
  std::map<std::string, int64_t> reasons;  // of partial and rejected videos
  std::vector<std::string> classes;
  std::vector<std::string> warnings;
  // Of an earlier run into this split, by path, and not among the inputs of this one: their
  // samples are in the split no longer.
  int64_t removed = 0;
  // Videos of a list that are not there now; their earlier samples stand.
  int64_t away = 0;
  int64_t shortened_videos = 0;  // whose rest was too short for a chunk (data.min_chunk_frames)
  int64_t left_out_frames = 0;   // in these rests
  int64_t samples = 0;
  int64_t unlabelled_samples = 0;
  int64_t unlabelled_videos = 0;  // that these are of
  int64_t frames = 0;
  int64_t shards = 0;
  int64_t bytes = 0;
  std::string report;  // path
};

// Errors: InvalidArgument, NotFound (what the user gave), CANCELLED (interrupted;
// run again to go on), ResourceExhausted (disk full, memory, descriptors), PermissionDenied;
// complete shards, and what was prepared before, stay in all cases. Where this input gives no
// sample, an error with exit code 3.
absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options);

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREPARE_H_
