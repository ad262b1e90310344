// Identifies a split of a shard folder, or one part of it, and names its files.
#ifndef DATA_PIPELINE_SPLIT_ID_H_
#define DATA_PIPELINE_SPLIT_ID_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct SplitId {
  std::string folder;
  std::string split;  // "train"
  int part = 0;       // from 1; 0: the whole split
  int num_parts = 0;
};

std::string SplitName(const SplitId& id);       // "train", "train-p03of16"
std::string SplitLockPath(const SplitId& id);   // .train.lock: held while the split is prepared
std::string ReportPath(const SplitId& id);      // prepare_report.jsonl, one per split and part
std::string PrepareLogPath(const SplitId& id);  // .prepare-train.jsonl
std::string StagingFolder(const SplitId& id);   // .next-train
std::string ShardPath(const SplitId& id, const std::string& folder, int64_t number);

// "whole" or "in 16 parts".
std::string DivisionName(const SplitId& id);

// The parts of the same split that the folder holds in other divisions. It finds them by their
// shards, their dataset files and the locks of running preparations. Errors: the folder cannot be
// listed.
absl::StatusOr<std::vector<SplitId>> OtherDivisions(const SplitId& id);

// Removes all files of `other`, except its lock and its dataset file. FailedPrecondition: another
// process is preparing it.
absl::Status RemoveFilesOf(const SplitId& other);

// Removes a file, or a folder with all that is in it. OK if there is none.
absl::Status RemovePath(const std::string& path);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_ID_H_
