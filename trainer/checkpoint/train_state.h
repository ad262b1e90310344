// The state of a run besides its tensors, and its JSON form: state.json in a checkpoint, specified
// in CHECKPOINT_FORMAT.md. This state and the tensors decide how a run goes on; nothing else does.
//
// Threading: plain values and free functions. No tensors.
#ifndef TRAINER_CHECKPOINT_TRAIN_STATE_H_
#define TRAINER_CHECKPOINT_TRAIN_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "memory/policy/relax.h"
#include "memory/tracking/memory_phase.h"

namespace slimreel {

// A resumed run gives the same bits only if all of this is equal.
struct RunEnvironment {
  int64_t threads = 0;
  std::string instruction_set;  // ATen's name: AVX2, AVX512, ...
  std::string torch_version;
  std::string device;  // cpu, cuda:0
  friend bool operator==(const RunEnvironment&, const RunEnvironment&) = default;
};

struct FileFingerprint {
  int64_t bytes = 0;
  std::string xxh3;  // XXH3-64, 16 hexadecimal digits
  friend bool operator==(const FileFingerprint&, const FileFingerprint&) = default;
};

// What prepare did to the frames that the model learns from. A checkpoint stores it, so that
// predict does the same to raw videos.
struct FramePreparation {
  int64_t short_side = 0;          // pixels; 0: frames as decoded
  int64_t max_video_frames = 500;  // of a chunk
  int64_t chunk_overlap = 0;
  int64_t min_chunk_frames = 1;    // a shorter last chunk of several is dropped
  double quality_threshold = 0.0;  // frames below it were dropped
  friend bool operator==(const FramePreparation&, const FramePreparation&) = default;
};

// The highest readings of all processes of the run.
struct PeakBytes {
  int64_t device = 0;      // live tensors
  int64_t reserved = 0;    // live tensors and blocks kept for reuse
  int64_t host = 0;        // resident set
  int64_t loader = 0;      // buffers of the loaders
  PeakByPhase by_phase{};  // of live tensors; zeros: not known (accelerators, earlier versions)
  friend bool operator==(const PeakBytes&, const PeakBytes&) = default;
};

// The terms under which a plan was made. The plan is valid only under them: a resumed run with
// other terms makes a new plan. Unknown in states of earlier versions.
struct PlanTerms {
  // The lowest of memory.budget, the device, control groups and rlimits; 0: unknown.
  int64_t ceiling_bytes = 0;
  int64_t num_stages = 0;  // scheduled stages, without the loss; 0: unknown
  // memory.*, data.batch_size and model.use_gradient_checkpointing as YAML, by name. A missing key
  // is unknown.
  std::map<std::string, std::string> keys;
  friend bool operator==(const PlanTerms&, const PlanTerms&) = default;
};

// A key that was set to another value because nothing fitted the budget. Values are YAML.
struct Concession {
  std::string key;
  std::string from;
  std::string to;
  friend bool operator==(const Concession&, const Concession&) = default;
};

// The plan that out of memory took away, to go back to when the pressure has gone. It is true of
// the plan in force, under its PlanTerms: a new plan starts without one.
struct WiderPlan {
  int64_t micro_batch = 0;   // 0: none, the plan in force is not tightened
  std::string schedule;      // as TrainState::schedule
  bool release = false;      // as in Plan; a split takes it off
  int64_t peak_bytes = 0;    // predicted of a step; 0: unknown
  RelaxState waiting;        // remembered also while there is none
  int64_t seen_retries = 0;  // TrainState::oom_retries at the last decision
  friend bool operator==(const WiderPlan&, const WiderPlan&) = default;
};

struct TrainState {
  int64_t step = 0;  // optimizer steps done
  int64_t samples_seen = 0;
  int64_t oom_retries = 0;
  int64_t relaxations = 0;  // returns to the plan before an out of memory
  bool finished = false;    // the run's last step is done and evaluated
  // Where the next batch starts, also in the middle of an epoch.
  int64_t loader_epoch = 0;
  int64_t loader_next_sample = 0;
  // The plan in force. A resumed run takes it over, unless the plan's terms have changed.
  int64_t micro_batch = 0;
  std::string schedule;  // in the words of memory.schedule
  bool release = false;  // as in Plan
  bool page_optimizer = false;
  bool offload_inputs = false;
  PlanTerms plan_terms;
  std::vector<Concession> concessions;  // in the order in which they were made
  WiderPlan wider;
  // The best value of evaluation.metric so far and its step; step -1: none yet.
  std::string best_metric;
  double best_value = 0.0;
  int64_t best_step = -1;
  // The fingerprint of that checkpoint's weights: the step alone does not identify it (see Note
  // [The best checkpoint]). The save fills it in; unknown in states of earlier versions.
  FileFingerprint best_model;
  int64_t evaluated_step = -1;       // step of the last evaluation; -1: none yet
  std::vector<std::string> classes;  // names by label, so that a checkpoint suffices to predict
  FramePreparation preparation;
  // Changes of the configuration at resumes, in order: "step 10: train.lr: 0.1 -> 0.01".
  std::vector<std::string> changes;
  PeakBytes peaks;
  RunEnvironment environment;
  // The checkpoint's other files by name; the save fills it in.
  std::map<std::string, FileFingerprint> files;
  friend bool operator==(const TrainState&, const TrainState&) = default;
};

// The document holds a hash of itself, so that a flipped digit is found. Bytes of names and paths
// that are not UTF-8 are written by TextOfBytes; StateFromJson reads them back unchanged.
std::string StateToJson(const TrainState& state);

// Reads this format and the one before. Errors: FailedPrecondition for an intact state of another
// format, with the remedy; DataLoss for anything else that StateToJson cannot have written. `path`
// is used in messages only.
absl::StatusOr<TrainState> StateFromJson(const std::string& text, const std::string& path);

// Size and XXH3-64 of a file's content. Errors: SystemError's (base/atomic_file.h).
absl::StatusOr<FileFingerprint> FingerprintFile(const std::string& path);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_TRAIN_STATE_H_
