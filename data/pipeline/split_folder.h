// The files of one split (or one part of it) in a shard folder: their names, the
// lock, and what happens to shards of an earlier run.
#ifndef DATA_PIPELINE_SPLIT_FOLDER_H_
#define DATA_PIPELINE_SPLIT_FOLDER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/pipeline/run_state.h"

namespace slimreel {

class SplitFolder {
 public:
  // Makes the folder, takes the lock, clears away what killed runs left.
  // FailedPrecondition: another process prepares this split into this folder.
  static absl::StatusOr<std::unique_ptr<SplitFolder>> Open(const std::string& folder,
                                                           const std::string& split, int part,
                                                           int num_parts);
  ~SplitFolder();
  SplitFolder(const SplitFolder&) = delete;
  SplitFolder& operator=(const SplitFolder&) = delete;

  std::string report_path() const;          // prepare_report.jsonl, one per split and part
  std::string state_path() const;           // .prepare-train.jsonl
  std::string previous_folder() const;      // .previous-train: replaced shards, until the end
  std::string previous_state_path() const;  // in it

  // Leaves out of `state` the shards that are gone or have another size, and all after them.
  void DropMissing(RunState* state) const;
  // Shards in place that are not the first `kept` of `state` make room: into
  // previous_folder() where `reuse`, for samples to be taken from; else deleted.
  absl::Status MakeRoom(const RunState& state, int64_t kept, bool reuse) const;
  // At the end: shards that are none of `state`, and the previous folder.
  absl::Status RemoveStale(const RunState& state) const;

 private:
  SplitFolder(std::string folder, std::string split, int part, int num_parts, int lock);
  std::set<std::string> ShardsInPlace() const;  // file names of .tar files
  absl::Status Remove(const std::string& tar) const;

  const std::string folder_, split_;
  const int part_, num_parts_;
  std::string name_;  // "train" or "train-p03of16"
  const int lock_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_FOLDER_H_
