// How a preparation is divided into parts, and the list of inputs that each part leaves
// beside its shards, by which a later reader sees whether all parts were given the same.
//
// prepare_inputs-p03of16.jsonl (of other splits prepare_inputs-val-p03of16.jsonl): the videos of
// the whole input, sorted by name and label, a line [name, label] each. Pure, and files.
#ifndef DATA_SHARD_PART_INPUTS_H_
#define DATA_SHARD_PART_INPUTS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// The part, from 1, that a video belongs to: a function of its name below the input, whatever
// else there is. XXH3-64 of the name modulo `num_parts`.
int PartOf(std::string_view name, int num_parts);

// A file of a part by its name: "dataset-p03of16.json" is part 3 of 16 of "dataset.json".
struct PartFile {
  std::string whole;
  int part = 0;
  int num_parts = 0;
};
std::optional<PartFile> ParsePartFile(std::string_view name);

std::string PartInputsFileName(const std::string& split, int part, int num_parts);

struct PartInput {
  std::string name;    // of the video, below its input
  int64_t label = -1;  // -1: none
  friend auto operator<=>(const PartInput&, const PartInput&) = default;
};

// Published whole. `inputs`: of all parts, in any order. True: it is another list than before.
absl::StatusOr<bool> WritePartInputs(const std::string& folder, const std::string& split, int part,
                                     int num_parts, std::vector<PartInput> inputs);

// OK where each video that any part knows, with its label, was known to the part that it belongs
// to, so that the parts together hold what one preparation of the whole would hold.
// FailedPrecondition names the videos that are missing and the remedy, or a list that is not there
// (exit code 3).
absl::Status CheckPartInputs(const std::string& folder, const std::string& split, int num_parts);

}  // namespace slimreel

#endif  // DATA_SHARD_PART_INPUTS_H_
