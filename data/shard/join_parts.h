// Joins what the parts of a divided preparation wrote beside their shards:
// dataset-p03of16.json and prepare_report-p03of16.jsonl become dataset.json and
// prepare_report.jsonl. The parts' files stay; joining again gives the same.
//
// Who calls it: `//data:shards -- index`, when no part is being prepared; whole splits may be
// (dataset.json is changed under its lock, for which it waits).
#ifndef DATA_SHARD_JOIN_PARTS_H_
#define DATA_SHARD_JOIN_PARTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

struct JoinedParts {
  int num_parts = 0;
  std::vector<std::string> written;  // paths, dataset.json first
};

// Reports follow one another in the order of the parts. Splits that only an earlier
// dataset.json knows stay in it. Errors name the path. NotFound: no parts;
// FailedPrecondition: some are missing or unfinished, of several divisions, or made from other
// inputs, so that videos are missing (part_inputs.h); DataLoss: damaged, or made with other
// settings or classes.
// While somebody else changes dataset.json it waits, and asks `stopped` (may be empty):
// CANCELLED where that says true.
absl::StatusOr<JoinedParts> JoinParts(const std::string& folder,
                                      const std::function<bool()>& stopped = {});

}  // namespace slimreel

#endif  // DATA_SHARD_JOIN_PARTS_H_
