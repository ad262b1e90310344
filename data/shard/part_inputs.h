// How a preparation is divided into parts, and the list of its inputs that each part
// writes beside its shards. By these lists a reader checks that all parts were given
// the same input.
//
// The list is prepare_inputs-p03of16.jsonl (prepare_inputs-val-p03of16.jsonl for a
// split other than train). It has one line [name, label] for each video of the whole
// input, sorted by name and label.
#ifndef DATA_SHARD_PART_INPUTS_H_
#define DATA_SHARD_PART_INPUTS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// The part (from 1) that a video belongs to: 1 + XXH3-64 of its name modulo `num_parts`. `name`
// is its path below the input. It does not depend on the other videos.
int PartOf(std::string_view name, int num_parts);

// Parses the name of a part's file: "dataset-p03of16.json" is part 3 of 16 of "dataset.json".
struct PartFile {
  std::string whole;
  int part = 0;
  int num_parts = 0;
};
std::optional<PartFile> ParsePartFile(std::string_view name);

std::string PartInputsFileName(const std::string& split, int part, int num_parts);

struct PartInput {
  std::string name;    // path of the video below its input
  int64_t label = -1;  // -1: none
  friend auto operator<=>(const PartInput&, const PartInput&) = default;
};

// Replaces the list atomically. `inputs`: the videos of all parts, in any order. Returns true if
// the list changed.
absl::StatusOr<bool> WritePartInputs(const std::string& folder, const std::string& split, int part,
                                     int num_parts, std::vector<PartInput> inputs);

// Checks the lists of all parts: each video of any list must, with its label, be in the list of
// the part that it belongs to. The parts together then hold what one undivided preparation would
// hold. FailedPrecondition (exit code 3) names the missing videos and the remedy, or a missing
// list. DataLoss: a list cannot be parsed.
absl::Status CheckPartInputs(const std::string& folder, const std::string& split, int num_parts);

}  // namespace slimreel

#endif  // DATA_SHARD_PART_INPUTS_H_
