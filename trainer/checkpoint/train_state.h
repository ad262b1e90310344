// Everything that a run is besides its tensors, and its JSON form (state.json in a
// checkpoint): what is not in here or in the tensors does not decide what comes next.
//
// trainer/loop moves it, trainer/checkpoint stores it. No tensor in here.
#ifndef TRAINER_CHECKPOINT_TRAIN_STATE_H_
#define TRAINER_CHECKPOINT_TRAIN_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// What must be equal for a resumed run to give the same bits.
struct RunEnvironment {
  int64_t threads = 0;
  std::string instruction_set;  // as ATen names it: AVX2, AVX512, ...
  std::string torch_version;
  std::string device;  // cpu, cuda:0
  friend bool operator==(const RunEnvironment&, const RunEnvironment&) = default;
};

struct FileFingerprint {
  int64_t bytes = 0;
  std::string xxh3;  // XXH3-64, 16 hexadecimal digits
  friend bool operator==(const FileFingerprint&, const FileFingerprint&) = default;
};

// What prepare did to the frames that the model learns from. A checkpoint holds it, so
// that predict does the same to raw videos.
struct FramePreparation {
  int64_t short_side = 0;          // pixels; 0: frames as decoded
  int64_t max_video_frames = 500;  // of a chunk
  int64_t chunk_overlap = 0;
  int64_t min_chunk_frames = 1;    // a shorter rest behind other chunks is left out
  double quality_threshold = 0.0;  // frames under it were left out
  friend bool operator==(const FramePreparation&, const FramePreparation&) = default;
};

// Highest readings of all processes of the run.
struct PeakBytes {
  int64_t device = 0;    // live tensors
  int64_t reserved = 0;  // with blocks kept for reuse
  int64_t host = 0;      // resident set
  int64_t loader = 0;    // buffers of the loaders
  friend bool operator==(const PeakBytes&, const PeakBytes&) = default;
};

// What a plan was made under, and so what it is true of: a resumed run whose terms are others
// makes its plan anew. Unknown in states of earlier versions.
struct PlanTerms {
  // Lowest of memory.budget, device, control groups, rlimits; 0: unknown.
  int64_t ceiling_bytes = 0;
  int64_t num_stages = 0;  // that are scheduled, without the loss; 0: unknown
  // memory.*, data.batch_size and model.use_gradient_checkpointing as YAML, by name; one that is
  // not there is unknown.
  std::map<std::string, std::string> keys;
  friend bool operator==(const PlanTerms&, const PlanTerms&) = default;
};

struct TrainState {
  int64_t step = 0;  // optimizer steps done
  int64_t samples_seen = 0;
  int64_t oom_retries = 0;
  bool finished = false;  // the run's last step is done
  // Where the loader goes on, in the middle of an epoch.
  int64_t loader_epoch = 0;
  int64_t loader_next_sample = 0;
  // The plan in force: read at resume, not computed again, unless its terms changed.
  int64_t micro_batch = 0;
  std::string schedule;  // memory.schedule's words
  PlanTerms plan_terms;
  // Highest value of evaluation.metric so far and where it was; step -1: none yet.
  std::string best_metric;
  double best_value = 0.0;
  int64_t best_step = -1;
  // Of that checkpoint's weights: a step's number names no checkpoint where a run went back (see
  // Note [The best checkpoint]). Filled by the save; unknown in states of earlier versions.
  FileFingerprint best_model;
  int64_t evaluated_step = -1;       // the last evaluation's; -1: none yet
  std::vector<std::string> classes;  // names by label, so that a checkpoint predicts on its own
  FramePreparation preparation;
  // What resumes with another configuration changed, in order: "step 10: train.lr: 0.1 -> 0.01".
  std::vector<std::string> changes;
  PeakBytes peaks;
  RunEnvironment environment;
  // By name inside the checkpoint's folder; filled by the save.
  std::map<std::string, FileFingerprint> files;
  friend bool operator==(const TrainState&, const TrainState&) = default;
};

// The document carries a hash of itself, so that a flipped digit is found. Bytes of names and
// paths that are no UTF-8 are written by TextOfBytes, and StateFromJson gives them back.
std::string StateToJson(const TrainState& state);

// Reads this format and the one before. FailedPrecondition: an intact state of another format, with
// the way out. DataLoss: anything else that StateToJson cannot have written. `path` is for the
// message.
absl::StatusOr<TrainState> StateFromJson(const std::string& text, const std::string& path);

// XXH3-64 of a file's content. NotFound, or Internal where reading fails.
absl::StatusOr<FileFingerprint> FingerprintFile(const std::string& path);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_TRAIN_STATE_H_
