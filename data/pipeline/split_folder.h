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
#include "base/file_lock.h"
#include "data/pipeline/run_state.h"

namespace slimreel {

// A split of a shard folder, or one part of it (parts count from 1; 0: the whole).
struct SplitId {
  std::string folder;
  std::string split;  // "train"
  int part = 0;
  int num_parts = 0;
};

class SplitFolder {
 public:
  // Takes the split's lock in the folder, which must be there, without a claim, and clears
  // away what killed runs left. FailedPrecondition: another process prepares this split into this
  // folder.
  static absl::StatusOr<std::unique_ptr<SplitFolder>> Open(const SplitId& id);
  // .train.lock: held as long as the split is being prepared.
  static std::string LockPath(const SplitId& id);
  SplitFolder(const SplitFolder&) = delete;
  SplitFolder& operator=(const SplitFolder&) = delete;

  // What other processes learn from the lock while this one holds it (shared_info.h).
  absl::Status WriteClaim(const std::string& claim) { return lock_->WriteNote(claim); }

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
  SplitFolder(SplitId id, std::unique_ptr<FileLock> lock);
  std::set<std::string> ShardsInPlace() const;  // file names of .tar files
  absl::Status Remove(const std::string& tar) const;

  const SplitId id_;
  const std::string name_;  // "train" or "train-p03of16"
  const std::unique_ptr<FileLock> lock_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_FOLDER_H_
