// A split of a shard folder, or one part of it, and the names of its files.
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
  int part = 0;       // from 1; 0: the whole
  int num_parts = 0;
};

std::string SplitName(const SplitId& id);       // "train", "train-p03of16"
std::string SplitLockPath(const SplitId& id);   // .train.lock: held while it is prepared
std::string ReportPath(const SplitId& id);      // prepare_report.jsonl, one per split and part
std::string PrepareLogPath(const SplitId& id);  // .prepare-train.jsonl
std::string StagingFolder(const SplitId& id);   // .next-train
std::string ShardPath(const SplitId& id, const std::string& folder, int64_t number);

// "whole" or "in 16 parts".
std::string DivisionName(const SplitId& id);

// What the folder holds of the same split divided in another way, by its shards, its dataset
// files and the locks of preparations under way. Errors: the folder cannot be listed.
absl::StatusOr<std::vector<SplitId>> OtherDivisions(const SplitId& id);
// Takes all files of `other` away but its lock and its dataset file. FailedPrecondition: another
// process prepares it.
absl::Status RemoveFilesOf(const SplitId& other);

}  // namespace slimreel

#endif  // DATA_PIPELINE_SPLIT_ID_H_
