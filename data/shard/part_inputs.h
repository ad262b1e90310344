// How a preparation is divided into parts, and the list of inputs that each part leaves
// beside its shards, by which a later reader sees whether all parts were given the same.
//
// prepare_inputs-p03of16.jsonl (of other splits prepare_inputs-val-p03of16.jsonl): one JSON
// string a line, the names of all videos of the whole input, sorted. Pure, and files.
#ifndef DATA_SHARD_PART_INPUTS_H_
#define DATA_SHARD_PART_INPUTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// The part, from 1, that a video belongs to: a function of its name below the input, whatever
// else there is. XXH3-64 of the name modulo `num_parts`.
int PartOf(std::string_view name, int num_parts);

std::string PartInputsFileName(const std::string& split, int part, int num_parts);

// Published whole. `names`: of all parts, in any order. True: it is another list than before.
absl::StatusOr<bool> WritePartInputs(const std::string& folder, const std::string& split, int part,
                                     int num_parts, std::vector<std::string> names);

// OK where each video that any part knows was known to the part that it belongs to, so that the
// parts together hold what one preparation of the whole would hold. FailedPrecondition names
// the videos that are missing and the remedy, or a list that is not there (exit code 3).
absl::Status CheckPartInputs(const std::string& folder, const std::string& split, int num_parts);

}  // namespace slimreel

#endif  // DATA_SHARD_PART_INPUTS_H_
