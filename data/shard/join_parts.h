// Joins the files that the parts of a divided preparation wrote beside their shards:
// dataset-p03of16.json and prepare_report-p03of16.jsonl of all parts become
// dataset.json and prepare_report.jsonl. The parts' files stay. Joining again gives
// the same result.
//
// Concurrency: no part may be in preparation meanwhile. An undivided split may be:
// dataset.json changes only under its lock.
#ifndef DATA_SHARD_JOIN_PARTS_H_
#define DATA_SHARD_JOIN_PARTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

struct JoinedParts {
  int num_parts = 0;
  std::vector<std::string> written;  // paths of the joined files, dataset.json first
};

// Concatenates the reports in the order of the parts. Keeps splits that only an earlier
// dataset.json lists. Waits while another process changes dataset.json, and asks `stopped` (may be
// empty) meanwhile. Errors name the path:
//   NotFound            there are no parts
//   FailedPrecondition  parts are missing or unfinished, belong to several divisions, or were
//                       made from different inputs, so that videos are missing (part_inputs.h)
//   DataLoss            a file is damaged, or parts have different settings or classes
//   CANCELLED           `stopped` returned true while waiting
absl::StatusOr<JoinedParts> JoinParts(const std::string& folder,
                                      const std::function<bool()>& stopped = {});

}  // namespace slimreel

#endif  // DATA_SHARD_JOIN_PARTS_H_
